//! Prints the table of docs/benchmarks.md: name, value, goal, verdict. Ends well whatever the values are.

use std::time::Duration;

use bench::{import, memory, pages, presence, requests, sign_in, webhook};

const LATENCY: Duration = Duration::from_millis(50);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((word, rest)) = arguments.split_first()
        && [memory::AS_CONNECTOR, sign_in::AS_SIGN_IN].contains(&word.as_str())
    {
        // One thread, as a function has it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return if word == memory::AS_CONNECTOR {
            runtime.block_on(memory::as_connector(rest))
        } else {
            runtime.block_on(sign_in::as_sign_in(rest))
        };
    }
    let large = arguments.iter().any(|argument| argument == "--large");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let asked_for = |name: &str| arguments.iter().any(|argument| argument == name);
    if asked_for("sign-in") {
        return runtime.block_on(sign_in::measure());
    }
    if asked_for("presence") {
        return runtime.block_on(presence::measure(if large { 100_000 } else { 10_000 }, LATENCY));
    }
    if asked_for("pages") {
        return runtime.block_on(pages::measure(10_000));
    }
    runtime.block_on(all(large))
}

async fn all(large: bool) -> anyhow::Result<()> {
    requests::measure(10_000).await?;
    sign_in::measure().await?;
    pages::measure(10_000).await?;
    webhook::measure(Duration::from_secs(if large { 60 } else { 15 })).await?;
    import::measure(1_000, LATENCY).await?;
    presence::measure(10_000, LATENCY).await?;
    if large {
        import::measure(10_000, LATENCY).await?;
        presence::measure(100_000, LATENCY).await?;
    }
    let small = memory::measure(1_000).await?;
    let middle = memory::measure(10_000).await?;
    memory::growth(small, middle);
    if large {
        memory::growth(middle, memory::measure(100_000).await?);
    }
    Ok(())
}
