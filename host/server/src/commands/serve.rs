//! `waypost serve`: runs the server until it is told to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use waypost_api::ApiState;
use waypost_app::bindings::{Readiness, prepare_all};
use waypost_delivery::{Housekeeping, Mailer, Upkeep, Worker};
use waypost_edge::Edge;
use waypost_web::{Site, WebState};

use crate::config::{Config, Flag};
use crate::installation::{Installation, make_data_folder};
use crate::output::Output;
use crate::stop::Stop;
use crate::terminal::Terminal;

/// Run the server: API, mail delivery and scheduled work.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address of the API; same as `--set listen=ADDRESS`. Port 0 chooses a free port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Serve {
    /// The settings that its own options make.
    pub(crate) fn settings(&self) -> Vec<Flag> {
        let listen = |address: &SocketAddr| Flag {
            key: "listen".to_owned(),
            value: address.to_string(),
            given_by: "--listen".to_owned(),
        };
        self.listen.iter().map(listen).collect()
    }

    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        // First of all, so that a signal during the start is not the end in the middle of a
        // migration.
        let stop = Stop::on_signals()?;
        let config = &terminal.loaded.config;
        make_data_folder(config.data_folder())?;
        let mailer = Mailer::open(&config.mail())?;
        let listener = listen(config.listen).await?;
        let site = config.site(listener.local_addr().context("reading the address")?)?;
        let installation = terminal.open_or_create().await?;
        announce(&mut terminal.output, &listener, site.as_ref(), config)?;

        let outbox = outbox(&installation, mailer, site.as_ref(), config, &stop);
        let housekeeping = housekeeping(&installation, config, &stop);
        let upkeep = upkeep(&installation, config, &stop);
        let preparing = preparing(&installation, &stop);
        let (clock, entropy) = (Arc::clone(&installation.clock), Arc::clone(&installation.entropy));
        let edge = Edge::new(clock, entropy, config.requests());
        let desk = &installation.desk;
        let api = waypost_api::router(ApiState { desk: desk.clone(), edge: edge.clone() });
        let pages = site.map(|site| WebState::new(desk.clone(), edge, site));
        let router = match &pages {
            Some(pages) => waypost_edge::doors(api, waypost_web::router(pages.clone())),
            None => api,
        };
        if let Some(pages) = pages.clone() {
            let stop = stop.clone();
            tokio::spawn(async move {
                stop.wait().await;
                pages.end_hints();
            });
        }
        waypost_edge::serve(listener, router, config.serving(), stop.clone().wait()).await;
        // Requests may have left messages; the workers end with what is on its way.
        if let Some(pages) = &pages {
            pages.settled().await;
        }
        stop.ask();
        finish("the outbox", outbox).await;
        finish("housekeeping", housekeeping).await;
        finish("upkeep", upkeep).await;
        finish("preparing policies", preparing).await;
        installation.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("{address} is in use; choose another with --listen, or port 0 for a free port")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("no permission to listen at {address}; choose a port above 1023 with --listen")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!("{address} is not an address of this machine; choose another with --listen")
        }
        _ => anyhow::Error::new(error).context(format!("listening at {address}")),
    })
}

fn announce(
    output: &mut Output,
    listener: &TcpListener,
    site: Option<&Site>,
    config: &Config,
) -> Result<()> {
    let address = listener.local_addr().context("reading the address")?;
    tracing::info!(%address, data_folder = %config.data_folder().display(), "serving");
    let url = site.map(Site::url);
    if url.is_none() {
        tracing::warn!("only the API is served; set `public_url` to serve the pages");
    }
    output.tell(
        || {
            json!({
                "address": format!("http://{address}"),
                "api": format!("http://{address}/api/v1"),
                "site": url,
            })
        },
        |to| {
            let pages = url.map(|url| format!(" and its pages at {url}")).unwrap_or_default();
            writeln!(to, "Waypost serves http://{address}/api/v1{pages} (Ctrl-C stops it).")
        },
    )
}

fn outbox(
    installation: &Installation,
    mailer: Mailer,
    site: Option<&Site>,
    config: &Config,
    stop: &Stop,
) -> JoinHandle<()> {
    let worker = Worker::new(
        installation.store.clone(),
        Arc::clone(&installation.clock),
        Arc::clone(&installation.entropy),
        mailer,
        config.outbox(site),
    );
    tokio::spawn(worker.run(stop.clone().wait()))
}

fn housekeeping(installation: &Installation, config: &Config, stop: &Stop) -> JoinHandle<()> {
    let housekeeping = Housekeeping::new(
        installation.store.clone(),
        Arc::clone(&installation.clock),
        config.housekeeping(),
    );
    tokio::spawn(housekeeping.run(stop.clone().wait()))
}

fn upkeep(installation: &Installation, config: &Config, stop: &Stop) -> JoinHandle<()> {
    let upkeep =
        Upkeep::new(installation.desk.clone(), Arc::clone(&installation.clock), config.upkeep());
    tokio::spawn(upkeep.run(stop.clone().wait()))
}

/// Prepares the policies in force, so that the first ticket after an upgrade waits for no compiler.
/// Beside serving and not before it: what needs no policy, and whose policies are ready, goes on
/// meanwhile.
fn preparing(installation: &Installation, stop: &Stop) -> JoinHandle<()> {
    let (desk, now) = (installation.desk.clone(), installation.clock.now());
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.wait() => {}
            prepared = prepare_all(&desk, now) => match prepared {
                Ok(Readiness { ready, broken }) => {
                    tracing::info!(ready, broken, "prepared the active policies");
                }
                Err(fault) => {
                    tracing::error!(error = &fault as &dyn std::error::Error, "preparing policies failed");
                }
            }
        }
    })
}

async fn finish(what: &'static str, work: JoinHandle<()>) {
    if let Err(error) = work.await {
        tracing::error!(error = &error as &dyn std::error::Error, "{what} failed");
    }
}
