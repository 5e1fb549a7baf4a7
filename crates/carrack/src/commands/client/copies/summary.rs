//! Does a plan and tells what came of it.

use std::time::Duration;

use client::copy::{Plan, Report, Settings, Side, Step, run};
use io::clock;
use serde_json::json;
use types::text::printable;
use types::{Reason, VPath};

use super::super::{Client, Stop};
use super::human::{bytes, rate, time};
use super::progress::{Progress, name, words};
use super::wishes;
use crate::cli::copies::{HowOptions, WhatOptions};

/// Does a plan, or only says what it would do.
///
/// # Errors
/// Those of saying it. What fails of the plan is told, and remembered for the exit code.
pub(super) async fn do_plan(
    client: &Client,
    plan: &Plan,
    source: &Side,
    target: &Side,
    what: &WhatOptions,
    how: &HowOptions,
) -> Result<(), Stop> {
    for (path, error) in &plan.unsure {
        client.failed(&path.to_string(), error);
    }
    if let Some(why) = &plan.keeps {
        client.output.warn(format_args!("nothing is removed: {why}"));
    }
    if what.dry_run {
        return dry_run(client, plan);
    }
    carry_out(client, plan, source, target, &wishes::settings(client, how, Some(source), target)).await
}

/// Does a plan.
///
/// # Errors
/// Those of saying what came of it.
pub(super) async fn carry_out(
    client: &Client,
    plan: &Plan,
    source: &Side,
    target: &Side,
    settings: &Settings,
) -> Result<(), Stop> {
    let begun = clock::now();
    let progress = Progress::new(client, plan);
    let report = tokio::select! {
        biased;
        report = run(plan, source, target, settings, &progress, &client.token) => report,
        () = progress.go_on() => return Ok(()),
    };
    let kept = progress.end();
    for (step, error) in report.failed.iter().filter(|(_, error)| error.reason != Reason::Cancelled) {
        client.failed(&step.path().to_string(), error);
    }
    if report.done > 0 || report.failed.is_empty() {
        client.done();
    }
    tell(client, plan, &report, &kept, clock::now().saturating_duration_since(begun))?;
    if client.token.is_cancelled() {
        client.output.note(format_args!("interrupted: the same command again goes on from here"));
        client.interrupted();
    }
    Ok(())
}

fn dry_run(client: &Client, plan: &Plan) -> Result<(), Stop> {
    for step in &plan.steps {
        if client.output.is_json() {
            let mut object = json!({"event": "would", "do": name(step), "path": step.path().to_string()});
            if let Step::Copy { seen, to, .. } = step {
                object["bytes"] = seen.size.into();
                object["to"] = to.as_ref().map(ToString::to_string).into();
            }
            client.output.object(&object)?;
        } else {
            client.output.line(format_args!("{}", printable(&words(step))))?;
        }
    }
    let copies = plan.steps.iter().filter(|step| matches!(step, Step::Copy { .. })).count();
    client.output.note(format_args!(
        "{copies} files of {} would be copied, {} are the same; nothing was changed",
        bytes(plan.bytes()),
        plan.same
    ));
    if plan.links_left_out > 0 {
        client.output.note(format_args!("{}", left_out(plan.links_left_out)));
    }
    client.done();
    Ok(())
}

/// What became of links that nobody asked for.
fn left_out(links: usize) -> String {
    let noun = if links == 1 { "link" } else { "links" };
    format!("{links} {noun} left out (--links copies them as links, --copy-links what they lead to)")
}

/// The last words: how much, how long, how fast, and what was not done.
fn tell(client: &Client, plan: &Plan, report: &Report, kept: &[(VPath, u64)], took: Duration) -> Result<(), Stop> {
    let is_copy = |step: &Step| matches!(step, Step::Copy { .. });
    let planned = plan.steps.iter().filter(|step| is_copy(step)).count();
    let not_copied = report.failed.iter().filter(|(step, _)| is_copy(step)).count();
    let is_link = |step: &Step| matches!(step, Step::Link { .. });
    let not_linked = report.failed.iter().filter(|(step, _)| is_link(step)).count();
    let links = plan.steps.iter().filter(|step| is_link(step)).count() - not_linked;
    let removed = plan.steps.iter().filter(|step| matches!(step, Step::Remove(..) | Step::RemoveDir(_))).count();
    let not_removed = report.failed.iter().filter(|(step, _)| matches!(step, Step::Remove(..) | Step::RemoveDir(_))).count();
    let (copied, removed) = (planned - not_copied, if report.kept { 0 } else { removed - not_removed });
    let cancelled = report.failed.iter().filter(|(_, error)| error.reason == Reason::Cancelled).count();
    let failed = report.failed.len() - cancelled;
    if client.output.is_json() {
        let kept: Vec<_> = kept.iter().map(|(path, bytes)| json!({"path": path.to_string(), "bytes": bytes})).collect();
        return client.output.object(&json!({
            "event": "summary", "files": copied, "bytes": report.bytes, "seconds": took.as_secs_f64(), "same": plan.same,
            "links": links, "links_left_out": plan.links_left_out, "removed": removed, "failed": failed, "cancelled": cancelled, "kept": kept,
        }));
    }
    if client.output.is_quiet() {
        return Ok(());
    }
    let mut text = match copied {
        0 => "nothing was copied".to_owned(),
        1 => format!("1 file, {} in {} ({})", bytes(report.bytes), time(took), rate(report.bytes, took)),
        _ => format!("{copied} files, {} in {} ({})", bytes(report.bytes), time(took), rate(report.bytes, took)),
    };
    for (number, what) in
        [(links, "links"), (plan.same, "the same"), (removed, "removed"), (failed, "failed"), (cancelled, "not done")]
    {
        if number > 0 {
            text += &format!(", {number} {what}");
        }
    }
    if plan.links_left_out > 0 {
        text += &format!(", {}", left_out(plan.links_left_out));
    }
    client.output.say(format_args!("{text}"));
    for (path, moved) in kept {
        client.output.say(format_args!("kept to go on with: {} ({})", printable(&path.to_string()), bytes(*moved)));
    }
    if report.kept {
        client.output.warn(format_args!("nothing was removed, because something failed"));
    }
    Ok(())
}
