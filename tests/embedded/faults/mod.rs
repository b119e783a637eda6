//! Faults of servers, networks and name servers, and the module's reaction to them.

mod backoff;
mod deadlines;
mod kept;
mod lost_packets;
mod names;
mod servers;
