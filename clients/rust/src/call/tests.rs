//! Calls of a server that does on the wire what no real one can be made to do at will.

use std::future::Future;

use h2::{server::SendResponse, Reason};
use http::Response;
use tokio::net::TcpListener;

use super::*;

type Called = (Request<RecvStream>, SendResponse<Bytes>);

/// A call that `serve` answers; its messages are strings.
async fn call<S, F>(serve: S) -> (Requests<String>, Answers<String>)
where
    S: FnOnce(Called) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let called = connection.accept().await.unwrap().unwrap();
        // Whoever accepts drives the connection too.
        tokio::join!(serve(called), connection.accept());
    });
    open(&address, "/test.Service/Call", "gate 3")
        .await
        .unwrap()
}

fn framed(text: &str) -> Vec<u8> {
    let mut framed = vec![0];
    let message = text.to_string().encode_to_vec();
    framed.put_u32(message.len() as u32);
    framed.extend(message);
    framed
}

/// Answers with some bytes, each in a frame of its own, and then with trailers.
fn answer(mut respond: SendResponse<Bytes>, bytes: &[u8], trailers: &[(&'static str, &str)]) {
    let mut body = respond.send_response(Response::new(()), false).unwrap();
    for byte in bytes {
        body.send_data(vec![*byte].into(), false).unwrap();
    }
    let trailers = trailers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    body.send_trailers(trailers).unwrap();
}

#[tokio::test]
async fn answers_come_whole_however_they_are_cut() {
    let (_requests, mut answers) = call(|(_, respond)| async {
        let bytes = [framed("one"), framed(""), framed("three")].concat();
        answer(respond, &bytes, &[("grpc-status", "0")]);
    })
    .await;

    for text in ["one", "", "three"] {
        assert_eq!(answers.next().await.unwrap().as_deref(), Some(text));
    }
    assert!(answers.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_message_larger_than_the_window_arrives() {
    let long = "x".repeat(300_000);
    let sent = long.clone();
    let (mut requests, mut answers) = call(|(request, respond)| async move {
        assert_eq!(request.uri().path(), "/test.Service/Call");
        assert_eq!(request.headers()["loupe-session"], "gate 3");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        let mut body = request.into_body();
        let mut received = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.unwrap();
            body.flow_control().release_capacity(chunk.len()).unwrap();
            received.extend_from_slice(&chunk);
        }
        assert!(received == [framed(&sent), framed("end")].concat());
        answer(respond, &framed("got it"), &[("grpc-status", "0")]);
    })
    .await;

    requests.send(&long).await.unwrap();
    requests.send(&"end".into()).await.unwrap();
    requests.finish();
    assert_eq!(answers.next().await.unwrap().as_deref(), Some("got it"));
}

#[tokio::test]
async fn a_refusal_has_its_code_and_words_behind_the_answers() {
    let (_requests, mut answers) = call(|(_, respond)| async {
        let trailers = [
            ("grpc-status", "8"),
            ("grpc-message", "50 %25 of it, na%C3%AFve"),
        ];
        answer(respond, &framed("one"), &trailers);
    })
    .await;

    assert_eq!(answers.next().await.unwrap().as_deref(), Some("one"));
    match answers.next().await {
        Err(Error::Refused { code: 8, message }) => assert_eq!(message, "50 % of it, naïve"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_may_come_alone_and_closes_the_call() {
    let (mut requests, mut answers) = call(|(_, mut respond)| async move {
        let head = Response::builder().header("grpc-status", "16").body(());
        // Then the request is dropped, which resets the stream behind it.
        respond.send_response(head.unwrap(), true).unwrap();
    })
    .await;

    match answers.next().await {
        Err(Error::Refused { code: 16, message }) => assert_eq!(message, ""),
        other => panic!("{other:?}"),
    }
    assert!(requests.send(&"x".repeat(300_000)).await.is_err());
}

#[tokio::test]
async fn what_is_no_grpc_is_told() {
    let ok = &[("grpc-status", "0")][..];
    let cases: [(&[u8], _, _); 5] = [
        (&[1, 0, 0, 0, 0], ok, "a message with flag 1 and 0 bytes"),
        (
            &[0, 1, 0, 0, 0],
            ok,
            "a message with flag 0 and 16777216 bytes",
        ),
        (&[0, 0, 0, 0, 2, 10], ok, "a message stops in its middle"),
        (&[], &[], "the call ended without a status"),
        (
            &[],
            &[("grpc-status", "fine")],
            "the call ended without a status",
        ),
    ];
    for (bytes, trailers, expected) in cases {
        let serve = move |(_, respond): Called| async move { answer(respond, bytes, trailers) };
        let (_requests, mut answers) = call(serve).await;
        match answers.next().await {
            Err(Error::NotGrpc(what)) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_web_server_is_told() {
    let (_requests, mut answers) = call(|(_, mut respond)| async move {
        let head = Response::builder().status(404).body(()).unwrap();
        respond.send_response(head, true).unwrap();
    })
    .await;

    match answers.next().await {
        Err(Error::NotGrpc(what)) => assert_eq!(what, "HTTP status 404 Not Found"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_that_breaks_ends_the_answers() {
    let (_requests, mut answers) = call(|(_, mut respond)| async move {
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data(framed("one").into(), false).unwrap();
        body.send_reset(Reason::INTERNAL_ERROR);
    })
    .await;

    loop {
        match answers.next().await {
            Ok(Some(text)) => assert_eq!(text, "one"),
            Err(Error::Broken(_)) => break,
            other => panic!("{other:?}"),
        }
    }
}
