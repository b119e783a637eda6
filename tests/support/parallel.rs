//! The rows of a table, worked through by several threads.

use std::sync::Mutex;
use std::thread;

/// More than the processors that a small machine has: most of the time a row waits for a server.
const THREADS: usize = 4;

/// Calls what `worker` returns, once in each thread, with the next row until none is left. The first
/// row that panics ends the test.
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
