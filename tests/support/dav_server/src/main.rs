//! `dav-server-for-tests PORT FILE`: an empty WebDAV folder for whoever sends one of the
//! Authorization values in the file, which is read anew for each request.

use std::convert::Infallible;

use dav_server::{DavHandler, body::Body, fakels::FakeLs, memfs::MemFs};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let port = arguments[1].parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(serve(port, arguments[2].clone()));
}

async fn serve(port: u16, file: String) {
    let files = MemFs::new();
    let dav = DavHandler::builder().filesystem(files).locksystem(FakeLs::new()).build_handler();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (dav, file) = (dav.clone(), file.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (dav, file) = (dav.clone(), file.clone());
                async move { Ok::<_, Infallible>(answer(&dav, &file, request).await) }
            });
            let _ = Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(dav: &DavHandler, file: &str, request: Request<Incoming>) -> Response<Body> {
    let accepted = std::fs::read_to_string(file).unwrap();
    let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if sent.is_some_and(|sent| accepted.lines().any(|line| line == sent)) {
        return dav.handle(request).await;
    }
    let mut refusal = Response::new(Body::empty());
    *refusal.status_mut() = StatusCode::UNAUTHORIZED;
    refusal.headers_mut().insert(WWW_AUTHENTICATE, "Basic realm=\"files\"".parse().unwrap());
    refusal
}
