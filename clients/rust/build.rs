//! Generates the contract's messages with protoc; gRPC's services are left out.

fn main() -> std::io::Result<()> {
    let protos = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protos");
    println!("cargo:rerun-if-changed={protos}");
    prost_build::compile_protos(&[format!("{protos}/loupe/v1/service.proto")], &[protos])
}
