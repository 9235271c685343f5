//! A bidirectional gRPC call over HTTP/2 without TLS, as far as a session needs it: a message is framed by a flag and its length, and the call's status
//! stands in the trailers (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

use std::{fmt, io, marker::PhantomData};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::future::poll_fn;
use h2::{client::ResponseFuture, RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use percent_encoding::percent_decode;
use prost::Message;
use tokio::net::TcpStream;

/// Bytes of the largest message that is received: what the server keeps to unless `OpenSession.max_response_bytes` says more.
const MAX_RECEIVED: usize = 4 << 20;

/// Bytes of a message's flag and length.
const PREFIX: usize = 5;

/// Why a call did not begin, or how it ended.
#[derive(Debug)]
pub enum Error {
    /// Nobody listens there, or it is no address.
    Unreachable(io::Error),
    /// The connection broke, or whoever is there does not speak HTTP/2.
    Broken(h2::Error),
    /// Whoever is there does not speak gRPC.
    NotGrpc(String),
    /// The server ended the call: a code of gRPC other than 0, and its words.
    Refused { code: u32, message: String },
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Unreachable(reason) => write!(to, "cannot be reached: {reason}"),
            Error::Broken(reason) => write!(to, "the connection broke: {reason}"),
            Error::NotGrpc(what) => write!(to, "no gRPC: {what}"),
            Error::Refused { code, message } => write!(to, "{message} (status {code})"),
        }
    }
}

impl std::error::Error for Error {}

impl From<h2::Error> for Error {
    fn from(reason: h2::Error) -> Self {
        Error::Broken(reason)
    }
}

/// The call takes no more messages. Why, its answers say.
#[derive(Debug)]
pub struct Closed;

/// What goes to the server.
pub struct Requests<M> {
    body: SendStream<Bytes>,
    messages: PhantomData<fn(M)>,
}

/// What comes from it.
pub struct Answers<M> {
    head: ResponseFuture,
    body: Option<RecvStream>,
    received: BytesMut,
    messages: PhantomData<fn() -> M>,
}

/// Connects to HOST:PORT and calls a method. What it says of the session in a header is for balancers, which see nothing else.
pub async fn open<Q: Message, A: Message + Default>(
    address: &str,
    method: &str,
    session: &str,
) -> Result<(Requests<Q>, Answers<A>), Error> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(Error::Unreachable)?;
    stream.set_nodelay(true).map_err(Error::Unreachable)?;
    let request = Request::post(format!("http://{address}{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("loupe-session", session)
        .body(())
        .map_err(|reason| {
            Error::Unreachable(io::Error::new(io::ErrorKind::InvalidInput, reason))
        })?;

    let (client, connection) = h2::client::handshake(stream).await?;
    // Where the connection breaks, the call that is on it says so.
    tokio::spawn(async { drop(connection.await) });
    let (head, body) = client.ready().await?.send_request(request, false)?;
    let requests = Requests {
        body,
        messages: PhantomData,
    };
    let answers = Answers {
        head,
        body: None,
        received: BytesMut::new(),
        messages: PhantomData,
    };
    Ok((requests, answers))
}

impl<M: Message> Requests<M> {
    /// Waits until the server takes the message: HTTP/2's flow control.
    pub async fn send(&mut self, message: &M) -> Result<(), Closed> {
        let length = message.encoded_len();
        let mut framed = BytesMut::with_capacity(PREFIX + length);
        framed.put_u8(0);
        framed.put_u32(u32::try_from(length).map_err(|_| Closed)?);
        message.encode(&mut framed).map_err(|_| Closed)?;

        let mut left = framed.freeze();
        while left.has_remaining() {
            self.body.reserve_capacity(left.len());
            match poll_fn(|context| self.body.poll_capacity(context)).await {
                Some(Ok(room)) => {
                    let part = left.split_to(room.min(left.len()));
                    self.body.send_data(part, false).map_err(|_| Closed)?;
                }
                Some(Err(_)) | None => return Err(Closed),
            }
        }
        Ok(())
    }

    /// Half-closes the call: no more messages, all answers still come.
    pub fn finish(mut self) {
        // Of a call that is over there is nothing left to close.
        let _ = self.body.send_data(Bytes::new(), true);
    }
}

impl<M: Message + Default> Answers<M> {
    /// The next message; none where the server ended the call with OK.
    pub async fn next(&mut self) -> Result<Option<M>, Error> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let body = match self.body {
                Some(ref mut body) => body,
                None => {
                    let (head, body) = (&mut self.head).await?.into_parts();
                    if head.status != StatusCode::OK {
                        return Err(Error::NotGrpc(format!("HTTP status {}", head.status)));
                    }
                    // A call that ends without a message may have its trailers here.
                    if head.headers.contains_key("grpc-status") {
                        return end(&head.headers).map(|()| None);
                    }
                    self.body.insert(body)
                }
            };
            if let Some(chunk) = body.data().await {
                let chunk = chunk?;
                body.flow_control().release_capacity(chunk.len())?;
                self.received.extend_from_slice(&chunk);
                continue;
            }
            let trailers = body.trailers().await?.unwrap_or_default();
            end(&trailers)?;
            return match self.received.len() {
                0 => Ok(None),
                _ => Err(Error::NotGrpc("a message stops in its middle".into())),
            };
        }
    }

    /// The first of the messages that were received whole.
    fn take(&mut self) -> Result<Option<M>, Error> {
        if self.received.len() < PREFIX {
            return Ok(None);
        }
        let mut rest = &self.received[..];
        let (flag, length) = (rest.get_u8(), rest.get_u32() as usize);
        if flag != 0 || length > MAX_RECEIVED {
            let what = format!("a message with flag {flag} and {length} bytes");
            return Err(Error::NotGrpc(what));
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.received.advance(PREFIX);
        M::decode(self.received.split_to(length))
            .map(Some)
            .map_err(|reason| Error::NotGrpc(reason.to_string()))
    }
}

/// What trailers say of the call's end.
fn end(trailers: &HeaderMap) -> Result<(), Error> {
    let text = |name| trailers.get(name).map(|value| value.as_bytes());
    let code = text("grpc-status").and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    match code {
        Some(0) => Ok(()),
        Some(code) => {
            let message = percent_decode(text("grpc-message").unwrap_or_default());
            let message = message.decode_utf8_lossy().into_owned();
            Err(Error::Refused { code, message })
        }
        None => Err(Error::NotGrpc("the call ended without a status".into())),
    }
}

#[cfg(test)]
mod tests;
