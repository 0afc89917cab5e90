//! Work in parts on several threads.

use std::thread;

/// What `work` makes of each part, in the order of the parts; each part has a thread, the first the caller's own.
pub(super) fn in_threads<P: Send, R: Send>(parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return vec![] };
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let mut made = vec![work(first)];
        for other in others {
            made.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

/// Items for each of at most `threads` threads so that none has fewer than `least` but where there are not as many.
pub(super) fn share(items: usize, threads: usize, least: usize) -> usize {
    items.div_ceil(threads.max(1)).max(least).max(1)
}
