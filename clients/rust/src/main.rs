//! Analyses picture files in one session: analyze HOST:PORT FILE…
//! Prints `FILE: VERDICT SCORE forged of all pixels`, or why there is none.

mod call;
mod masks;

/// The contract's messages, as prost generates them.
mod v1 {
    #![allow(clippy::all, dead_code)]
    include!(concat!(env!("OUT_DIR"), "/loupe.v1.rs"));
}

use std::{fmt, io, path::PathBuf, process::ExitCode};

use call::{Answers, Closed, Requests};
use tokio::sync::{AcquireError, Semaphore};
use v1::{
    analyze_request::Payload as Request, analyze_response::Payload as Answer, frame::Image,
    frame_outcome::Outcome, mask::Data, AnalyzeRequest, AnalyzeResponse, EncodedImage, Frame,
    FrameResult, OpenSession,
};

const METHOD: &str = "/loupe.v1.ForgeryAnalysisService/Analyze";

/// Why not all files were analysed.
enum Error {
    /// There was no call, or it did not end well.
    Call(call::Error),
    /// The server ended the session before it had all files.
    Closed,
    /// A file could not be read. Those before it were sent, those behind it were not.
    File(PathBuf, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Call(reason) => reason.fmt(to),
            Error::Closed => write!(to, "the session ended before all files were sent"),
            Error::File(file, reason) => write!(to, "{}: {reason}", file.display()),
        }
    }
}

impl From<call::Error> for Error {
    fn from(reason: call::Error) -> Self {
        Error::Call(reason)
    }
}

impl From<Closed> for Error {
    fn from(_: Closed) -> Self {
        Error::Closed
    }
}

impl From<AcquireError> for Error {
    fn from(_: AcquireError) -> Self {
        Error::Closed
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let address = match arguments.next() {
        Some(address) => address.to_string_lossy().into_owned(),
        None => {
            eprintln!("usage: analyze HOST:PORT FILE…");
            return ExitCode::FAILURE;
        }
    };
    let files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    match analyze(&address, &files).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{address}: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn analyze(address: &str, files: &[PathBuf]) -> Result<(), Error> {
    let (mut requests, answers) = call::open(address, METHOD, "rust").await?;
    // A session's credits say how many frames may be without an outcome.
    let credits = Semaphore::new(0);
    let sending = async {
        let sent = send(&mut requests, files, &credits).await;
        requests.finish();
        sent
    };
    let receiving = async {
        let received = receive(answers, files, &credits).await;
        // A call that is over gives no more of them.
        credits.close();
        received
    };
    let (sent, received) = tokio::join!(sending, receiving);
    // Where both went wrong, the answers say why.
    received.map_err(Error::from).and(sent)
}

async fn send(
    requests: &mut Requests<AnalyzeRequest>,
    files: &[PathBuf],
    credits: &Semaphore,
) -> Result<(), Error> {
    let message = |payload| AnalyzeRequest {
        payload: Some(payload),
    };
    let open = OpenSession {
        session_name: "rust".into(),
        client: "analyze.rs".into(),
        ..Default::default()
    };
    requests.send(&message(Request::Open(open))).await?;
    for (frame_id, file) in (0..).zip(files) {
        credits.acquire().await?.forget();
        let data = tokio::fs::read(file)
            .await
            .map_err(|reason| Error::File(file.clone(), reason))?;
        let frame = Frame {
            frame_id,
            image: Some(Image::Encoded(EncodedImage { data })),
            ..Default::default()
        };
        requests.send(&message(Request::Frame(frame))).await?;
    }
    Ok(())
}

async fn receive(
    mut answers: Answers<AnalyzeResponse>,
    files: &[PathBuf],
    credits: &Semaphore,
) -> Result<(), call::Error> {
    while let Some(answer) = answers.next().await? {
        match answer.payload {
            Some(Answer::Granted(grant)) => {
                let granted = grant.limits.map_or(0, |limits| limits.credits);
                credits.add_permits(granted.max(1) as usize);
            }
            Some(Answer::Outcome(outcome)) => {
                credits.add_permits(1);
                // As its number was sent: the place among the files.
                let file = files.get(outcome.frame_id as usize);
                let file = file.map_or("?".into(), |file| file.to_string_lossy());
                println!("{file}: {}", describe(outcome.outcome));
            }
            Some(Answer::Event(event)) => eprintln!("{}", event.message),
            Some(Answer::Summary(summary)) => println!("{} results", summary.results),
            // No control was sent; none is also what a newer server may send.
            Some(Answer::ControlReply(_)) | None => {}
        }
    }
    Ok(())
}

fn describe(outcome: Option<Outcome>) -> String {
    match outcome {
        Some(Outcome::Result(result)) => found(&result),
        Some(Outcome::Failed(failed)) => {
            let code = failed.code().as_str_name();
            let code = code.trim_start_matches("FAILURE_CODE_");
            format!("{code}, {}", failed.message)
        }
        Some(Outcome::Dropped(_)) => "DROPPED".into(),
        Some(Outcome::Expired(_)) => "EXPIRED".into(),
        // What a newer server may send.
        None => "UNKNOWN".into(),
    }
}

fn found(result: &FrameResult) -> String {
    let verdict = result.verdict().as_str_name();
    let verdict = verdict.trim_start_matches("VERDICT_");
    let line = format!("{verdict} {:.3}", result.score);
    let rle = match result.mask.as_ref().and_then(|mask| mask.data.as_ref()) {
        Some(Data::Rle(rle)) => rle,
        _ => return line,
    };
    let (height, width) = match rle.size[..] {
        [height, width] => (height, width),
        _ => return format!("{line}, and a mask without a size"),
    };
    match masks::pixels(height, width, &rle.counts) {
        Ok(pixels) => {
            let forged = pixels.iter().filter(|&&pixel| pixel == 1).count();
            format!("{line} {forged} of {} pixels", pixels.len())
        }
        Err(reason) => format!("{line}, and no mask: {reason}"),
    }
}
