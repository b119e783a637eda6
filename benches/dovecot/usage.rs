//! The CPU time and memory of Dovecot's auth processes, from /proc.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::support::memory;

/// The average memory of processes, in bytes. See [`memory`](crate::support::memory).
pub struct Memory {
    pub resident: f64,
    pub private: f64,
}

/// The id of the auth process of the Dovecot with this master process.
pub fn auth(master: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
    let mut ids = children.split_whitespace().map(|id| id.parse().unwrap());
    let is_auth = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line == "dovecot/auth\0")
    };
    ids.find(is_auth).expect("it serves the client")
}

/// The user and system CPU time of these processes, in a higher resolution than /proc/PID/stat.
pub fn cpu(processes: &[u32]) -> Duration {
    let tasks = processes.iter().flat_map(|id| fs::read_dir(format!("/proc/{id}/task")).unwrap());
    let times = tasks.map(|task| {
        let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    });
    times.sum()
}

/// The average memory of these processes.
pub fn memory(processes: &[u32]) -> Option<Memory> {
    let average = |of: fn(u32) -> u64| {
        processes.iter().map(|id| of(*id)).sum::<u64>() as f64 / processes.len() as f64
    };
    (!processes.is_empty())
        .then(|| Memory { resident: average(memory::resident), private: average(memory::private) })
}

/// Ends a worker and waits until it is gone.
pub fn end(worker: u32) {
    let status = Command::new("kill").args(["-TERM", &worker.to_string()]).status();
    assert!(status.unwrap().success(), "the worker {worker} cannot be ended");
    for _ in 0..200 {
        if !fs::exists(format!("/proc/{worker}")).unwrap() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("the worker {worker} does not end");
}
