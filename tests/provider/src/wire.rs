//! Just enough of HTTP/1.1.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// Reads the next request; `None` when the client has hung up.
pub(crate) async fn read(
    stream: &mut TcpStream,
    rest: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    loop {
        if let Some((request, length)) = parse(rest)? {
            rest.drain(..length);
            return Ok(Some(request));
        }
        if stream.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let head_length = match head.parse(bytes).map_err(io::Error::other)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let header = |name: &str| {
        let found = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let length = header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let Some(body) = bytes.get(head_length..head_length + length) else {
        return Ok(None);
    };
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
    };
    Ok(Some((request, head_length + length)))
}

/// An answer in one piece.
pub(crate) async fn whole(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&str, String)],
    kind: &str,
    body: &str,
) -> io::Result<()> {
    let length = body.len();
    let more: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let more = more.concat();
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{more}"
    );
    stream
        .write_all(format!("{head}\r\n{body}").as_bytes())
        .await
}

/// The head of a stream of events.
pub(crate) async fn begin_events(stream: &mut TcpStream) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await
}

/// One event.
pub(crate) async fn event(stream: &mut TcpStream, data: &str) -> io::Result<()> {
    raw(stream, &format!("data: {data}\n\n")).await
}

/// One chunk of the body.
pub(crate) async fn raw(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    stream
        .write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
        .await
}

/// The end of a stream.
pub(crate) async fn end_events(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"0\r\n\r\n").await
}

/// Waits until the client hangs up.
pub(crate) async fn hung_up(stream: &mut TcpStream) {
    let mut byte = [0; 64];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}
