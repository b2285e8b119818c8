//! gRPC as people expect it: health, reflection, deadlines, and an end that always comes.

mod calls;
mod command_line;
mod ending;
mod health;
mod reflection;
