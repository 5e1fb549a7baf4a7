//! Which file answers which verb. A new verb is one small file, its row in [`verb`](crate::ftp::verb) and its line here.

mod abor;
mod copy;
mod digest;
mod features;
mod folder;
mod help;
pub(super) mod host;
mod identity;
mod list;
pub(super) mod login;
pub(super) mod mail;
mod navigation;
pub(super) mod passive;
mod port;
pub(super) mod protection;
mod remove;
mod rename;
mod representation;
mod retrieve;
pub(super) mod security;
mod site;
mod size;
pub(super) mod stat;
mod store;
mod thumbnail;
mod times;

use super::session::Session;
use crate::ftp::command::Command;
use crate::ftp::verb::Verb;

/// Runs one command whose stage has been checked.
pub(super) fn run(session: &mut Session, verb: Verb, command: &Command<'_>) {
    let (name, word) = (command.argument, command.trimmed());
    match verb {
        Verb::User => login::user(session, word),
        Verb::Pass => login::pass(session, name),
        Verb::Acct => login::acct(session, word),
        Verb::Rein => login::rein(session),
        Verb::Quit => login::quit(session),
        Verb::Host => host::host(session, word),
        Verb::Cwd | Verb::Xcwd => navigation::cwd(session, name),
        Verb::Cdup | Verb::Xcup => navigation::cdup(session),
        Verb::Pwd | Verb::Xpwd => navigation::pwd(session),
        Verb::Smnt => navigation::smnt(session, word),
        Verb::Port | Verb::Eprt | Verb::Lprt => port::port(session, verb, word),
        Verb::Pasv | Verb::Epsv | Verb::Lpsv | Verb::Spsv => passive::passive(session, verb, word),
        Verb::Spdt => passive::spdt(session, word),
        Verb::Type => representation::r#type(session, word),
        Verb::Stru => representation::stru(session, word),
        Verb::Mode => representation::mode(session, word),
        Verb::Allo => store::allo(session, word),
        Verb::Rest => retrieve::rest(session, word),
        Verb::Retr => retrieve::retr(session, name),
        Verb::Stor | Verb::Appe | Verb::Stou => store::store(session, verb, name),
        Verb::Rnfr => rename::rnfr(session, name),
        Verb::Rnto => rename::rnto(session, name),
        Verb::Dele | Verb::Rmd | Verb::Xrmd | Verb::Rmda => remove::remove(session, verb, name),
        Verb::Mkd | Verb::Xmkd => folder::mkd(session, name),
        Verb::List | Verb::Nlst => list::list(session, verb, name),
        Verb::Mlsd | Verb::Mlst => list::facts(session, verb, name),
        Verb::Mdtm => times::mdtm(session, name),
        Verb::Mfmt | Verb::Mfct => times::set(session, verb, name),
        Verb::Mff => times::mff(session, name),
        Verb::Size => size::size(session, name),
        Verb::Dsiz => size::dsiz(session, name),
        Verb::Avbl => size::avbl(session, name),
        Verb::Hash => digest::hash(session, verb, name),
        Verb::Xcrc | Verb::Xmd5 | Verb::Xsha | Verb::Xsha1 | Verb::Xsha256 | Verb::Xsha512 => {
            digest::extended(session, verb, name);
        }
        Verb::Comb => copy::comb(session, name),
        Verb::Rang => digest::rang(session, word),
        Verb::Thmb => thumbnail::thmb(session, name),
        Verb::Stat => stat::stat(session, name),
        Verb::Abor => abor::abor(session),
        Verb::Site => site::site(session, name),
        Verb::Syst => identity::syst(session),
        Verb::Noop => identity::noop(session),
        Verb::Clnt => identity::clnt(session, word),
        Verb::Csid => identity::csid(session, word),
        Verb::Lang => identity::lang(session, word),
        Verb::Help => help::help(session, word),
        Verb::Feat => features::feat(session),
        Verb::Opts => features::opts(session, word),
        Verb::Auth => protection::auth(session, word),
        Verb::Pbsz => protection::pbsz(session, word),
        Verb::Prot => protection::prot(session, word),
        Verb::Ccc => protection::ccc(session),
        Verb::Adat => security::adat(session, word),
        Verb::Mic | Verb::Conf | Verb::Enc => security::not_here(session),
        Verb::Xsen | Verb::Xsem | Verb::Xmas | Verb::Mail | Verb::Msnd | Verb::Msom | Verb::Msam => {
            mail::mail(session, verb, word);
        }
        Verb::Xrsq | Verb::Mrsq => mail::scheme(session, verb, word),
        Verb::Xrcp | Verb::Mrcp => mail::next_recipient(session, verb, word),
    }
}
