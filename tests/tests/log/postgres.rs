//! What names PostgreSQL: orders of commits, broken networks and processes, rights, settings, plans.
