//! What keeps the read models in step with memory. Never in the way of memory: a projection takes from the hub what
//! changed since its checkpoint, as one cut, whenever it is ready for more.

pub(crate) mod pools;
