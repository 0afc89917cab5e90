//! Work in parts on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
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

/// What `work` makes of each of some jobs, in their order. Threads take the next job as they come free; `work` is told how many
/// it may use itself.
pub(super) fn each<R: Send>(jobs: usize, threads: usize, work: impl Fn(usize, usize) -> R + Sync) -> Vec<R> {
    let workers = threads.clamp(1, jobs.max(1));
    let threads = (threads / workers).max(1);
    let next = AtomicUsize::new(0);
    let run = |_| {
        let mut done = vec![];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= jobs {
                return done;
            }
            done.push((at, work(at, threads)));
        }
    };
    let mut done: Vec<_> = in_threads((0..workers).collect(), run).into_iter().flatten().collect();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}

/// Items for each of at most `threads` threads so that none has fewer than `least` but where there are not as many.
pub(super) fn share(items: usize, threads: usize, least: usize) -> usize {
    items.div_ceil(threads.max(1)).max(least).max(1)
}
