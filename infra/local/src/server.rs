//! The HTTP side: the same routes that AWS serves, on one listener.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Listens; a taken port is told with what to do.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; set CONNECTOR_LISTEN to a free address"))
}

/// Answers until told to stop; requests under way are answered first.
pub async fn answer(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let stopped = async move {
        // Whoever made the sender is gone: that is a stop, too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the server ended early");
    }
}
