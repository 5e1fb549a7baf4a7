//! `carrack mirror`, `plan` and `apply`: one folder becomes like another.

use client::copy::{Filter, Plan, Side, Step, Tree};
use types::{Attr, Error, Reason, VPath};

use super::super::{AtInterrupt, Client, Opened, run};
use super::summary::{carry_out, do_plan};
use super::{is_one_remote, look, side, wishes, written};
use crate::cli::Exit;
use crate::cli::copies::{Apply, Folders, Mirror, PlanArgs};

/// The largest plan that is read.
const PLAN_AT_MOST: u64 = 4 * 1024 * 1024 * 1024;
/// As many folders of one server are listed at the same time.
const LISTINGS: usize = 8;

/// `carrack mirror`.
pub(crate) fn mirror(args: &Mirror) -> Exit {
    let Folders { options, what, form, .. } = &args.folders;
    run("mirror", &form.with(options), AtInterrupt::Wait, async |client: &Client| {
        client.use_connections(wishes::connections(&args.how));
        let (from, to, plan) = make(client, &args.folders).await?;
        if !what.dry_run && matches!(plan.steps.first(), Some(Step::MakeDir(path)) if path.is_root()) {
            make_parents(client, &to).await?;
        }
        do_plan(client, &plan, &side(&from, &from.path), &side(&to, &to.path), what, &args.how).await
    })
}

/// `carrack plan`.
pub(crate) fn plan(args: &PlanArgs) -> Exit {
    run("plan", &args.folders.form.with(&args.folders.options), AtInterrupt::Drop, async |client: &Client| {
        let (from, to, plan) = make(client, &args.folders).await?;
        for (path, error) in &plan.unsure {
            client.failed(&path.to_string(), error);
        }
        if let Some(why) = &plan.keeps {
            client.output.warn(format_args!("nothing is to be removed: {why}"));
        }
        let (from, to) = (lasting(&from), lasting(&to));
        let lines = written::print(&from, &to, &plan);
        match &args.output {
            Some(file) => {
                let text = lines.collect::<String>();
                #[allow(clippy::disallowed_methods, reason = "a file that the command line names; nothing else runs by then")]
                std::fs::write(file, text).map_err(|e| Error::with(Error::from(e).reason, file.display().to_string()))?;
            }
            None => {
                for line in lines {
                    client.output.line(format_args!("{}", line.trim_end()))?;
                }
            }
        }
        client.done();
        Ok(())
    })
}

/// `carrack apply`.
pub(crate) fn apply(args: &Apply) -> Exit {
    run("apply", &args.form.with(&args.options), AtInterrupt::Wait, async |client: &Client| {
        client.use_connections(wishes::connections(&args.how));
        let text = wishes::read(&args.plan, PLAN_AT_MOST)
            .map_err(|e| Error::with(e.reason, format!("{}: {}", args.plan.display(), e.detail.unwrap_or_default())))?;
        let (from, to, plan) = written::read(&text)?;
        let (from, to) = (client.open(&from).await?, client.open(&to).await?);
        let (source, target) = (side(&from, &from.path), side(&to, &to.path));
        let is_there = look(&to).await?.is_some();
        let mut filter = Filter::default();
        filter.links = plan.links;
        let (here, there) = trees(client, &source, &target, is_there, &filter).await?;
        let makes_root = matches!(plan.steps.first(), Some(Step::MakeDir(path)) if path.is_root());
        if makes_root && is_there {
            return Err(Error::with(Reason::PlanOutdated, format!("{} stands by now", to.shown)).into());
        }
        plan.still_holds(&here, &there)?;
        if makes_root {
            make_parents(client, &to).await?;
        }
        let settings = wishes::settings(client, &args.how, Some(&source), &target);
        carry_out(client, &plan, &source, &target, &settings).await
    })
}

/// Looks at two folders and decides what is to be done.
async fn make(client: &Client, folders: &Folders) -> Result<(Opened, Opened, Plan), Error> {
    let Folders { what, delete, .. } = folders;
    let (from, to) = (client.open(&folders.from).await?, client.open(&folders.to).await?);
    let is_nested = to.path == from.path || to.path.is_below(&from.path) || from.path.is_below(&to.path);
    if is_one_remote(from.remote.as_ref(), to.remote.as_ref()) && is_nested {
        return Err(Error::with(Reason::BadName, format!("{} and {} lie in each other", from.shown, to.shown)));
    }
    match look(&from).await? {
        Some(attr) if attr.is_dir() => {}
        Some(_) => return Err(Error::with(Reason::NotAFolder, format!("{}: cp copies a file", from.shown))),
        None => return Err(Error::with(Reason::NotFound, from.shown)),
    }
    let there = look(&to).await?;
    if there.as_ref().is_some_and(|attr| !attr.is_dir()) {
        return Err(Error::with(Reason::NotAFolder, to.shown.clone()));
    }
    let filter = wishes::filter(what)?;
    let wishes = wishes::wishes(what, delete, client::copy::Same::default());
    let (source, target) = trees(client, &side(&from, &from.path), &side(&to, &to.path), there.is_some(), &filter).await?;
    let mut plan = Plan::make(&source, &target, &wishes)?;
    if there.is_none() {
        plan.steps.insert(0, Step::MakeDir(VPath::root()));
    }
    Ok((from, to, plan))
}

/// Looks at both sides at the same time. A target that is not there yet is empty.
///
/// # Errors
/// Those of [`Tree::scan`].
pub(super) async fn trees(
    client: &Client,
    source: &Side,
    target: &Side,
    is_there: bool,
    filter: &Filter,
) -> Result<(Tree, Tree), Error> {
    let both = async {
        let there = async { if is_there { scan(target, filter).await } else { Ok(Tree::default()) } };
        tokio::try_join!(scan(source, filter), there)
    };
    if !client.output.is_quiet() && !client.output.is_json() && client.output.is_watched() {
        client.output.say(format_args!("looking at both sides"));
    }
    client.token.run_until_cancelled(both).await.unwrap_or_else(|| Err(Reason::Cancelled.into()))
}

async fn scan(side: &Side, filter: &Filter) -> Result<Tree, Error> {
    let at_once = side.remote.as_ref().map_or(1, |remote| remote.at_once().min(LISTINGS));
    Tree::scan_at_once(&*side.storage, &side.root, filter, &side.owner, at_once).await
}

/// A place as it can be found from any folder.
fn lasting(place: &Opened) -> String {
    if place.remote.is_some() { place.shown.clone() } else { String::from_utf8_lossy(place.path.as_bytes()).into_owned() }
}

/// Makes the folders that a target will lie in.
async fn make_parents(client: &Client, to: &Opened) -> Result<(), Error> {
    let mut missing = Vec::new();
    let mut above = to.path.parent();
    while let Some(folder) = above.filter(|folder| !folder.is_root()) {
        let there = look(&Opened { path: folder.clone(), ..to.clone() }).await?;
        if there.as_ref().is_some_and(Attr::is_dir) {
            break;
        }
        above = folder.parent();
        missing.push(folder);
    }
    for folder in missing.iter().rev() {
        to.storage.make_dir(folder, client.mode_of_folders()).await?;
    }
    Ok(())
}
