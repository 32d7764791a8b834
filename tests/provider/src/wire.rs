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

impl Request {
    /// Whether it asks for the assessment of a complaint, in words or by a tool.
    pub(crate) fn is_assessment(&self) -> bool {
        let prompt = format!("{} {}", self.body["messages"], self.body["tools"]);
        prompt.contains("recommended_actions")
    }

    /// Whether it asks for texts in Chinese, as the agent does for a consultation in it.
    pub(crate) fn is_in_chinese(&self) -> bool {
        let instructions = self.body["messages"][0]["content"].as_str();
        instructions.is_some_and(|text| text.contains("Simplified Chinese"))
    }
}

/// An answer in one piece.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// Headers besides those that every answer has.
    pub(crate) headers: &'a [(&'a str, String)],
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a str,
}

impl<'a> Answer<'a> {
    /// JSON without further headers.
    pub(crate) const fn json(status: u16, body: &'a str) -> Self {
        Self {
            status,
            headers: &[],
            content_type: "application/json",
            body,
        }
    }
}

/// The status and the body of a model whose name is a status.
pub(crate) fn failure_of(model: &str) -> Option<(u16, String)> {
    let error = serde_json::json!({ "error": { "message": "as scripted" } });
    Some((model.parse().ok()?, error.to_string()))
}

/// A request, and how many bytes it took.
struct ParsedRequest {
    request: Request,
    length: usize,
}

/// Reads the next request; `None` when the client has hung up. `rest` holds the bytes that have
/// come after the last one.
pub(crate) async fn read_request(
    stream: &mut TcpStream,
    rest: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    loop {
        if let Some(parsed) = parse_request(rest)? {
            rest.drain(..parsed.length);
            return Ok(Some(parsed.request));
        }
        if stream.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse_request(bytes: &[u8]) -> io::Result<Option<ParsedRequest>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let head_length = match head.parse(bytes).map_err(io::Error::other)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };

    let header = |name: &str| {
        let mut headers = head.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let body_length = header("content-length").and_then(|text| text.parse().ok());
    let length = head_length + body_length.unwrap_or(0);
    let Some(body) = bytes.get(head_length..length) else {
        return Ok(None);
    };

    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
    };
    Ok(Some(ParsedRequest { request, length }))
}

/// Writes an answer in one piece.
pub(crate) async fn write_answer(stream: &mut TcpStream, answer: &Answer<'_>) -> io::Result<()> {
    let headers = answer.headers.iter();
    let further: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let further = further.concat();

    let Answer {
        status,
        content_type,
        body,
        ..
    } = answer;
    let status_line = format!("HTTP/1.1 {status} Scripted\r\n");
    let length = body.len();
    let headers = format!("content-type: {content_type}\r\ncontent-length: {length}\r\n{further}");
    let text = format!("{status_line}{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

/// Writes the head of a stream of events.
pub(crate) async fn begin_events(stream: &mut TcpStream) -> io::Result<()> {
    begin_chunked(stream, Some("text/event-stream")).await
}

/// Writes the head of a body in chunks, with its label if it has one.
pub(crate) async fn begin_chunked(
    stream: &mut TcpStream,
    content_type: Option<&str>,
) -> io::Result<()> {
    let label = content_type.map(|label| format!("content-type: {label}\r\n"));
    let label = label.unwrap_or_default();
    let head = format!("HTTP/1.1 200 OK\r\n{label}transfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

/// Writes one event.
pub(crate) async fn write_event(stream: &mut TcpStream, data: &str) -> io::Result<()> {
    write_chunk(stream, &format!("data: {data}\n\n")).await
}

/// Writes one chunk of the body.
pub(crate) async fn write_chunk(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    stream.write_all(chunk.as_bytes()).await
}

/// Writes the end of a stream.
pub(crate) async fn end_events(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"0\r\n\r\n").await
}

/// Waits until the client hangs up.
pub(crate) async fn wait_for_hang_up(stream: &mut TcpStream) {
    let mut bytes = [0; 64];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}
