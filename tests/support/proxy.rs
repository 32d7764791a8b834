//! A server in front of another one: it counts connections, and may speak TLS with its clients.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The handshake of [`Transport::SlowTls`] takes longer than a connection without TLS may.
const SLOW_HANDSHAKE: Duration = Duration::from_millis(700);

/// PostgreSQL's request for TLS, which comes first on a connection.
const POSTGRES_TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// How the proxy speaks with its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// With TLS from the first byte, as Valkey.
    Tls,
    /// The same, with a handshake that takes as long as one with little CPU.
    SlowTls,
    /// With TLS after a request for it, as PostgreSQL.
    PostgresTls,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

/// It serves as long as the runtime of its test.
pub struct Proxy {
    pub port: u16,
    counts: Arc<Counts>,
}

impl Proxy {
    /// In front of the server that listens on `target_port`.
    pub async fn start(target_port: u16, transport: Transport) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();

        let counts = Arc::new(Counts::default());
        let serving = Arc::clone(&counts);
        let acceptor = acceptor();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (counts, acceptor) = (Arc::clone(&serving), acceptor.clone());
                counts.accepted.fetch_add(1, Ordering::SeqCst);
                counts.open.fetch_add(1, Ordering::SeqCst);

                tokio::spawn(async move {
                    // A client that refuses the certificate is no fault of the proxy's.
                    drop(serve(client, target_port, transport, acceptor).await);
                    counts.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });

        Self { port, counts }
    }

    /// Connections that were made.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// Connections that stand now.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

/// The file of the authority that has signed the proxy's certificate.
pub fn authority_file() -> String {
    certificate_file("authority.pem").display().to_string()
}

fn certificate_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tls")
        .join(name)
}

fn acceptor() -> TlsAcceptor {
    let read = |name: &str| std::fs::read(certificate_file(name)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&read("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();

    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    mut client: TcpStream,
    target_port: u16,
    transport: Transport,
    acceptor: TlsAcceptor,
) -> io::Result<()> {
    match transport {
        Transport::Plain => return pass_on(client, target_port).await,
        Transport::Tls => {}
        Transport::SlowTls => tokio::time::sleep(SLOW_HANDSHAKE).await,
        Transport::PostgresTls => {
            let mut request = [0; 8];
            client.read_exact(&mut request).await?;
            assert_eq!(request, POSTGRES_TLS_REQUEST, "the client asks for TLS");
            client.write_all(b"S").await?;
        }
    }

    pass_on(acceptor.accept(client).await?, target_port).await
}

async fn pass_on(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    target_port: u16,
) -> io::Result<()> {
    let mut target = TcpStream::connect(("127.0.0.1", target_port)).await?;
    copy_bidirectional(&mut client, &mut target).await.map(drop)
}
