//! Waits for many futures in one task.

use std::future::poll_fn;
use std::task::Poll;

use io::body::BoxFuture;

/// Waits for all of them at once.
pub async fn all(mut futures: Vec<BoxFuture<'_, ()>>) {
    while !futures.is_empty() {
        first(&mut futures).await;
    }
}

/// Waits for whichever is ready first, and takes it out. There must be one.
pub async fn first<T>(futures: &mut Vec<BoxFuture<'_, T>>) -> T {
    poll_fn(|cx| {
        let ready = futures.iter_mut().enumerate().find_map(|(n, future)| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Some((n, value)),
            Poll::Pending => None,
        });
        let Some((n, value)) = ready else { return Poll::Pending };
        drop(futures.swap_remove(n));
        Poll::Ready(value)
    })
    .await
}
