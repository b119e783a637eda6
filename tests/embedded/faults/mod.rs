//! Faults of servers, networks and name servers, and the module's reaction to them.

mod backoff;
mod kept;
mod names;
mod servers;
