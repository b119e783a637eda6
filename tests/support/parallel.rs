//! The rows of a table, tested by several threads.

use std::sync::Mutex;
use std::thread;

/// More than a small machine has processors, since a row mostly waits for a server.
const THREADS: usize = 4;

/// Tests each row. `worker` is called once in each thread and returns the function that tests a row.
/// The test fails if a row panics.
pub fn each<T: Send, F: FnMut(T)>(
    rows: impl IntoIterator<Item = T>,
    worker: impl Fn() -> F + Sync,
) {
    let rows = Mutex::new(rows.into_iter().collect::<Vec<_>>());
    let next = || rows.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut work = worker();
                while let Some(row) = next() {
                    work(row);
                }
            });
        }
    });
}
