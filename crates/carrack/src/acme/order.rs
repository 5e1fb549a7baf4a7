//! How is a certificate ordered (RFC 8555 §7)? Account, order, a proof for each name, and then the certificate itself.

use std::time::Duration;

use hyper::Uri;
use instant_acme::{
    AccountBuilder, AuthorizationStatus, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use io::CancellationToken;
use tokio::net::TcpListener;
use types::{Reason, Secret};

use super::Failure;
use super::authority::{Https, failure, is, told};
use super::door::{self, Answers};
use super::state::{Account, Kept, State};
use crate::config::Acme;

/// How long an authority may take to look at the proofs, and again to issue the certificate.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(180));
/// How long one order may take in all.
const WITHIN: Duration = Duration::from_secs(600);

/// Gets a certificate and keeps it. Whatever it opened is closed when it is done, and when it is dropped.
pub(super) async fn run(acme: &Acme, state: &State, door: Option<TcpListener>) -> Result<(), Failure> {
    let life = CancellationToken::new();
    let _ends = life.clone().drop_guard();
    let probed = state.clone();
    blocking(move || probed.probe()).await?;
    let late = || Failure::new(Reason::AcmeUnreachable, format!("the order took longer than {} s", WITHIN.as_secs()));
    let (chain, key) = tokio::time::timeout(WITHIN, certificate(acme, state, door, &life)).await.map_err(|_| late())??;
    super::is_of_use(Kept::read(chain.as_bytes(), key.reveal().as_bytes()).as_ref(), &acme.names, io::clock::wall())?;
    let state = state.clone();
    blocking(move || state.keep(&chain, &key)).await
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    let failed = |e: types::Error| Failure::new(e.reason, e.detail.map(String::from).unwrap_or_default());
    io::task::blocking(f).await.map_err(failed)?
}

async fn certificate(
    acme: &Acme,
    state: &State,
    door: Option<TcpListener>,
    life: &CancellationToken,
) -> Result<(String, Secret<String>), Failure> {
    let mut order = open(acme, state, life).await?;
    let mut answers = Answers::new(acme.challenge);
    prepare(&mut order, &mut answers).await?;
    if !answers.is_empty() {
        let door = match door {
            Some(open) => open,
            None => io::listen::bind_tcp(acme.listen)
                .map_err(|e| Failure::new(Reason::Bind, format!("cannot listen on {} for the authority: {e}", acme.listen)))?,
        };
        let kind = answers.kind();
        tokio::select! {
            never = door::serve(door, answers) => match never {},
            proved = prove(&mut order, kind) => proved?,
        }
    }
    let key = Secret::new(order.finalize().await.map_err(|e| failure(&e))?);
    let chain = order.poll_certificate(&PATIENCE).await.map_err(|e| failure(&e))?;
    Ok((chain, key))
}

/// Places an order, with the account there is or a new one.
async fn open(acme: &Acme, state: &State, life: &CancellationToken) -> Result<Order, Failure> {
    let names: Vec<Identifier> = acme.names.iter().map(|n| Identifier::Dns(n.to_string())).collect();
    let order = NewOrder::new(&names);
    let kept = state.clone();
    if let Some(kept) = blocking(move || Ok(kept.account())).await? {
        let account = builder(acme, life).await?.from_credentials(kept.credentials).await.map_err(|e| failure(&e))?;
        match account.new_order(&order).await {
            // It forgot the account, as an authority for tests does with each start.
            Err(e) if is(&e, "accountDoesNotExist") => {}
            Err(e) => return Err(failure(&e)),
            Ok(order) => {
                if kept.contact != acme.contact {
                    let contact: Vec<&str> = acme.contact.iter().map(|c| &**c).collect();
                    account.update_contacts(&contact).await.map_err(|e| failure(&e))?;
                    let (state, contact) = (state.clone(), acme.contact.clone());
                    blocking(move || state.change_contact(contact)).await?;
                }
                return Ok(order);
            }
        }
    }
    let contact: Vec<&str> = acme.contact.iter().map(|c| &**c).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) =
        builder(acme, life).await?.create(&wanted, acme.directory.to_string(), None).await.map_err(|e| failure(&e))?;
    let (state, contact) = (state.clone(), acme.contact.clone());
    blocking(move || state.keep_account(&Account { credentials, contact })).await?;
    account.new_order(&order).await.map_err(|e| failure(&e))
}

async fn builder(acme: &Acme, life: &CancellationToken) -> Result<AccountBuilder, Failure> {
    let (roots, life) = (acme.directory_ca.clone(), life.clone());
    let https = blocking(move || Https::new(roots.as_deref(), &life)).await?;
    Ok(instant_acme::Account::builder_with_http(Box::new(https)))
}

/// Makes an answer for each name that still needs one (§7.5).
async fn prepare(order: &mut Order, answers: &mut Answers) -> Result<(), Failure> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next.map_err(|e| failure(&e))?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            other => return Err(Failure::new(Reason::AcmeRefused, format!("an authorization is {other:?} from the beginning"))),
        }
        let kind = answers.kind();
        let challenge = authorization.challenge(kind.clone()).ok_or_else(|| {
            Failure::new(Reason::AcmeRefused, format!("the authority does not offer {kind:?}; another acme.challenge may do"))
        })?;
        let name = challenge.identifier().to_string();
        answers.add(&name, &challenge.token, &challenge.key_authorization())?;
    }
    Ok(())
}

/// Has the authority look, and waits for what it saw (§7.5.1).
async fn prove(order: &mut Order, kind: instant_acme::ChallengeType) -> Result<(), Failure> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next.map_err(|e| failure(&e))?;
        if authorization.status == AuthorizationStatus::Pending
            && let Some(mut challenge) = authorization.challenge(kind.clone())
        {
            challenge.set_ready().await.map_err(|e| failure(&e))?;
        }
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready) => Ok(()),
        Ok(_) => Err(seen(order).await.unwrap_or_else(|| Failure::new(Reason::AcmeChallenge, "it did not say why"))),
        // The order's own error says less than that of the name it is about.
        Err(e @ Error::Api(_)) => Err(seen(order).await.unwrap_or_else(|| failure(&e))),
        Err(e) => Err(failure(&e)),
    }
}

/// What the authority saw in place of a proof.
async fn seen(order: &mut Order) -> Option<Failure> {
    let mut authorizations = order.authorizations();
    let mut words = Vec::new();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let name = state.identifier().to_string();
        words.extend(state.challenges.iter().filter_map(|c| c.error.as_ref()).map(|p| format!("{name}: {}", told(p))));
    }
    (!words.is_empty()).then(|| Failure::new(Reason::AcmeChallenge, words.join("; ")))
}

/// Whether text is the URL of a directory (§7.1.1): over HTTPS (§6.1), and of a host.
pub(crate) fn is_directory(url: &str) -> bool {
    url.len() <= 200
        && url.parse::<Uri>().is_ok_and(|u| u.scheme_str() == Some("https") && u.host().is_some_and(|h| !h.is_empty()))
}
