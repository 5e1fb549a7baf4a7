//! How are servers opened and left, and how does one move about on them?

use std::time::Duration;

use client::Place;
use types::{Error, Reason, VPath};

use super::super::Client;
use super::Shell;
use super::folder::Folder;
use super::words::Word;
use crate::bookmarks;
use crate::cli::Exit;
use crate::cli::client::Options;
use crate::credentials;
use crate::say;

/// How long a server may take to say good-bye.
const GOOD_BYE_WITHIN: Duration = Duration::from_secs(2);

impl Shell {
    /// `open [-u USER] URL`, `open HOST [PORT]`.
    pub(super) fn open_typed(&mut self, words: &[Word]) -> Exit {
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        match texts.as_slice() {
            ["-u", user, place] => self.open(place, Some(user)),
            [place] if !place.starts_with('-') => self.open(place, None),
            [host, port] if !host.starts_with('-') && port.parse::<u16>().is_ok() => {
                self.open(&format!("ftp://{host}:{port}/"), None)
            }
            _ => self.wrong("open", "open URL, open HOST, open HOST PORT, or open -u USER URL"),
        }
    }

    /// Connects to a place: a URL, a bookmark, or the name of a host.
    pub(super) fn open(&mut self, typed: &str, user: Option<&str>) -> Exit {
        let options = self.within.options.clone();
        let user = user.or(options.login.user.as_deref());
        let found = bookmarks::resolve(typed, user).and_then(|found| match found.place {
            Place::Remote(url) => Ok((url, found.options)),
            Place::Local(_) if typed.contains('/') => Err(Error::with(Reason::BadUrl, "that is a place on this machine")),
            Place::Local(_) => match Place::parse(&format!("ftp://{typed}/"))? {
                Place::Remote(url) => Ok((url, Vec::new())),
                Place::Local(_) => Err(Error::new(Reason::BadUrl)),
            },
        });
        let shown = super::super::without_password(typed);
        let (mut url, told) = match found {
            Ok(found) => found,
            Err(error) => return self.ask("open", async |_| Err::<(), _>((shown, error))).err().unwrap_or(Exit::Failed),
        };
        let options = match Options::parse_words(told.iter().map(|word| &**word)) {
            Ok(own) => options.over(own),
            Err(what) => return self.wrong(&shown, &format!("the bookmark's options: {what}")),
        };
        if url.user.is_none() {
            url.user = user.map(Into::into);
        }
        let is_first = self.folder.is_none();
        let before = std::mem::replace(&mut self.within.options, options.into());
        let opened = self.ask("open", async |client| {
            // Whom a netrc names is shown in the prompt, too.
            let asked = super::super::login::asked(&client.options.login);
            let known = credentials::find(&url, &asked).map_err(|e| (shown.clone(), e))?;
            url.user = url.user.take().or(known.user);
            arrive(client, url).await.map_err(|e| (shown, e))
        });
        match opened {
            Ok((folder, greeting)) => {
                if !is_first {
                    self.leave_server();
                }
                self.stand(folder);
                if self.is_interactive && !self.within.options.say.quiet {
                    say::err(format_args!("{greeting}"));
                }
                Exit::Well
            }
            Err(exit) => {
                self.within.options = before;
                exit
            }
        }
    }

    /// Stands in a folder from now on.
    pub(super) fn stand(&mut self, folder: Folder) {
        self.within.here = Some((folder.url.clone(), folder.here.clone()).into());
        self.folder = Some(folder);
    }

    /// Says good-bye to the server one stood on, but not to what jobs work with.
    fn leave_server(&mut self) {
        if self.jobs.running() > 0 {
            return;
        }
        let servers = self.within.servers.clone();
        let here = self.folder.as_ref().map(|folder| folder.url.clone());
        let good_bye = async move {
            let mut servers = servers.lock().await;
            let (gone, stay): (Vec<_>, Vec<_>) = servers.drain(..).partition(|s| here.as_ref().is_some_and(|url| s.is_of(url)));
            *servers = stay;
            drop(servers);
            for server in gone {
                server.good_bye().await;
            }
        };
        let _ = self.within.runtime.block_on(async { tokio::time::timeout(GOOD_BYE_WITHIN, good_bye).await });
        self.lost = 0;
    }

    pub(super) fn close(&mut self) -> Exit {
        if self.folder.is_none() {
            return self.wrong("close", "there is no server to leave");
        }
        self.leave_server();
        self.folder = None;
        self.within.here = None;
        Exit::Well
    }

    /// Connects anew, since how is different from now on; one stays in the same folder.
    pub(super) fn again(&mut self) -> Exit {
        let Some(folder) = self.folder.clone() else { return Exit::Well };
        self.leave_server();
        let url = folder.url.clone();
        match self.ask("open", async |client| {
            let opened = client.open_url(&url.with_path(b"/"), &client.options).await;
            opened.map(drop).map_err(|e| (folder.server(), e))
        }) {
            Ok(()) => Exit::Well,
            Err(exit) => exit,
        }
    }

    /// `user NAME [PASSWORD]`, as ftp(1) has it.
    pub(super) fn user(&mut self, words: &[Word]) -> Exit {
        let (name, password) = match words {
            [name] => (name.text.clone(), None),
            [name, password] => (name.text.clone(), Some(password.text.clone())),
            _ => return self.wrong("user", "user NAME; the password is asked for"),
        };
        let Some(folder) = self.folder.clone() else { return self.wrong("user", "there is no server yet; open URL") };
        let mut url = folder.url.with_path(b"");
        let shown = folder.server();
        let is_open = matches!(&*name, "anonymous" | "ftp");
        url.password = match password {
            Some(password) => Some(types::Secret::new(password.into())),
            // What the environment holds is the password of whoever began.
            None if self.is_interactive && !is_open => {
                match credentials::ask(&format!("Password for {}@{}: ", types::text::printable(&name), folder.url.host)) {
                    Ok(password) => Some(password),
                    Err(error) => return self.ask("user", async |_| Err::<(), _>((shown, error))).err().unwrap_or(Exit::Failed),
                }
            }
            None => None,
        };
        url.user = Some(name.into());
        match self.ask("user", async |client| {
            if let Some(within) = &client.within {
                within.forget(&url);
            }
            arrive(client, url).await.map_err(|e| (shown, e))
        }) {
            Ok((there, _)) => {
                self.leave_server();
                self.stand(there);
                Exit::Well
            }
            Err(exit) => exit,
        }
    }

    pub(super) fn pwd(&self) -> Exit {
        match &self.folder {
            Some(folder) => self.print(&folder.here.to_string()),
            None => self.wrong("pwd", "there is no server yet; open URL"),
        }
    }

    pub(super) fn cd(&mut self, name: Option<&str>, words: usize) -> Exit {
        let Some(mut folder) = self.folder.clone() else { return self.wrong("cd", "there is no server yet; open URL") };
        if words > 1 {
            return self.wrong("cd", "one folder; a name with blanks stands in quotes");
        }
        let to = match name {
            None => Ok(folder.home.clone()),
            Some("-") => Ok(folder.before.clone()),
            Some(name) => folder.path_of(name),
        };
        let shown = name.unwrap_or("~").to_owned();
        let entered = self.ask("cd", async |client| {
            let to = to.map_err(|e| (shown.clone(), e))?;
            enter(client, &folder, &to).await.map_err(|e| (shown, e))?;
            Ok(to)
        });
        match entered {
            Ok(to) => {
                folder.before = std::mem::replace(&mut folder.here, to);
                if name == Some("-") {
                    say::err(format_args!("{}", folder.here));
                }
                self.stand(folder);
                Exit::Well
            }
            Err(exit) => exit,
        }
    }
}

/// Connects, and finds the folder that the login leads to and the one that the URL names. Tells what the server said.
async fn arrive(client: &Client, url: client::Url) -> Result<(Folder, String), Error> {
    let root = client.open_url(&url.with_path(b"/"), &client.options).await?;
    let Some(remote) = &root.remote else { return Err(Reason::Unsupported.into()) };
    let home = remote.home().await?;
    let here = home.join(&url.path).map_err(|e| Error::with(Reason::BadName, e.to_string()))?;
    let folder = Folder { url: url.with_path(b""), home: home.clone(), here: here.clone(), before: home.clone() };
    if here != home {
        enter(client, &folder, &here).await?;
    }
    let welcome = remote.welcome();
    let greeting = String::from_utf8_lossy(&welcome.greeting.text);
    let first = types::text::printable(greeting.lines().next().unwrap_or_default());
    if root.storage.capability().bare {
        return Ok((folder, "nothing is connected: over TFTP each file is asked for by itself".to_owned()));
    }
    let how = match (welcome.protected, welcome.data_protected) {
        (true, true) => "protected by TLS",
        (true, false) => "logged in under TLS, files in clear",
        _ => "in clear",
    };
    Ok((folder, format!("connected ({how}): {first}")))
}

/// Sees that a place is a folder, where the protocol can tell.
async fn enter(client: &Client, folder: &Folder, to: &VPath) -> Result<(), Error> {
    let there = client.open_url(&folder.url_of(to), &client.options).await?;
    if to.is_root() || there.storage.capability().bare || there.attr(true).await?.is_dir() {
        Ok(())
    } else {
        Err(Reason::NotAFolder.into())
    }
}
