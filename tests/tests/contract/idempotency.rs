//! The same request again: it gets its first receipt, on every instance and across restarts, and has one effect.

mod again;
mod changed;
mod edits;
mod for_good;

/// Sends a request, which is accepted, and then each of the others, which have its id and one field of theirs changed.
macro_rules! reused_by {
    ($caller:expr, $rpc:ident, $request:expr, $changes:expr) => {{
        let request = $request;
        let first = $caller.commands.$rpc(request.clone()).await;
        let first = first.expect("it is accepted").into_inner();
        for (field, change) in $changes {
            let mut changed = request.clone();
            change(&mut changed);
            assert_ne!(changed, request, "{field}");
            let answer = $caller.commands.$rpc(changed).await;
            assert!(answer.is_err(), "{field} was changed");
            $crate::refused::refused(
                answer,
                onsale_proto::reason::Reason::RequestIdReused,
                &[("request_id", &request.request_id)],
            );
        }
        let again = $caller.commands.$rpc(request).await;
        assert_eq!(again.expect("a repeat").into_inner().receipt, first.receipt);
        first
    }};
}

use reused_by;

/// A field and how it is changed.
type Change<T> = (&'static str, fn(&mut T));
