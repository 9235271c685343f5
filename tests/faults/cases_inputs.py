"""Pictures, videos, names and checkpoints that were once lost, hung at, or judged in silence."""

import os
import shutil
import subprocess

from harness import CHECKPOINTS, FAULTS, VIDEO, WHOLE, Broken, Skipped, case, expect
from support import CLIENT, DATA, ROOT, SERVER, convert


def copies(folder, **files):
    """Copies of a file under names, folders made."""
    for name, source in files.items():
        put(source, os.path.join(folder, name))


def put(source, target):
    os.makedirs(os.path.dirname(os.fsencode(target)), exist_ok=True)
    shutil.copyfile(source, target)


def stream(place, source, *arguments, **options):
    """Every frame; masks are not what is looked at."""
    return place.client("stream", source, "--delivery", "every", "--mask", "never", *arguments, **options)


def one_frame_each(answer, of):
    """Whether each frame that a recording promises has its row, and the exit code says whether all were there."""
    lost = len(answer.rows) - answer.outcomes.count("RESULT")
    return len(answer.rows) == of and (answer.code == 20) == (lost > 0)


@case("rtsp-server.py: a network camera", "cannot be opened; the FFmpeg inside has no network")
def network_camera(place):
    command = ["/usr/bin/python3", ROOT / "tests" / "video-servers" / "rtsp_server.py"]
    with subprocess.Popen([os.fspath(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as camera:
        try:
            said = camera.stdout.readline().split()
            if said[:1] != ["port"]:
                raise Skipped("GStreamer's RTSP server is not installed")
            answer = place.client("stream", f"rtsp://127.0.0.1:{said[1]}/cam", "--max-frames", "5")
        finally:
            camera.kill()
    return expect(answer.outcomes == ["RESULT"] * 5 and answer.code in (0, 10), answer.short())


@case("video-av1.mp4", "no decoder, 0 frames, exit 0")
def av1(place):
    answer = stream(place, VIDEO / "video-av1.mp4")
    decoded = answer.code in (0, 10) and answer.outcomes and set(answer.outcomes) == {"RESULT"}
    said = answer.code == 20 and "AV1" in answer.error.upper()
    return expect(decoded or said, answer.short())


@case("video-whole.mp4", "40 frames, exit 0")
def whole_video(place):
    answer = stream(place, VIDEO / "video-whole.mp4")
    return expect(answer.outcomes == ["RESULT"] * 40 and answer.code in (0, 10), answer.short())


@case("video-cut-40pct.mp4", "3 of 40 frames, nothing said, exit as if whole")
def cut_video(place):
    answer = stream(place, VIDEO / "video-cut-40pct.mp4")
    return expect(one_frame_each(answer, 40) and answer.code == 20, answer.short())


@case("video-hole-3k.mp4", "9 of 40 frames, nothing said, exit as if whole")
def video_with_a_hole(place):
    answer = stream(place, VIDEO / "video-hole-3k.mp4")
    return expect(one_frame_each(answer, 40) and answer.code == 20, answer.short())


@case("video-size-changes.ts", "192x64 comes out as 96x64, nothing said")
def video_of_two_sizes(place):
    answer = stream(place, VIDEO / "video-size-changes.ts")
    sizes = sorted({(row["width"], row["height"]) for row in answer.rows if row["outcome"] == "RESULT"})
    return expect((192, 64) in sizes and len(sizes) == 2, f"sizes {sizes}, exit {answer.code}")


@case("raw-thumbnail.nef", "its thumbnail of 64x48 is judged, no note")
def raw_picture(place):
    answer = place.client("analyze", FAULTS / "raw-thumbnail.nef")
    error = answer.errors()[0]
    return expect(error["code"] == "UNSUPPORTED" and answer.code == 20, f"{error['code']}: {error['message']}")


@case("thumbnail-first.tif", "its thumbnail of 64x48 is judged, no note")
def preview_in_front(place):
    row = place.client("analyze", FAULTS / "thumbnail-first.tif").rows[0]
    return expect((row["width"], row["height"]) == (320, 240), f"{row['outcome']} of {row['width']}x{row['height']}")


def judged(place, name):
    answer = place.client("analyze", FAULTS / name)
    row = answer.rows[0]
    return row, f"{row['outcome']} {row.get('verdict')} {' '.join(answer.notes())}"


def damaged(name):
    def run(place):
        row, now = judged(place, name)
        return expect(row["verdict"] == "UNCERTAIN" and "DAMAGED" in now, now)

    case(name, "judged without a note")(run)


damaged("jpeg-cut-with-eoi.jpg")
damaged("jpeg-hole-1k.jpg")
damaged("jpeg-progressive-30pct-with-eoi.jpg")


@case("jpeg-whole.jpg", "judged")
def whole_picture(place):
    row, now = judged(place, "jpeg-whole.jpg")
    return expect(row["outcome"] == "RESULT" and "DAMAGED" not in now, now)


def compressed(name, compression):
    def run(place):
        error = place.client("analyze", FAULTS / name).errors()[0]
        return expect(
            error["code"] == "UNSUPPORTED" and compression in error["message"].lower(), f"{error['code']}: {error['message']}")

    case(name, "sound, and called damaged or truncated")(run)


compressed("tiff-zstd.tif", "zstd")
compressed("tiff-webp.tif", "webp")


@case("mpo-two-pictures.jpg", "no FIRST_FRAME_ONLY")
def two_pictures(place):
    _, now = judged(place, "mpo-two-pictures.jpg")
    return expect("FIRST_FRAME_ONLY" in now, now)


@case("phone-folder", "1 of 3 pictures analysed, the others passed over in silence")
def names_of_a_phone(place):
    answer = place.client("analyze", FAULTS / "phone-folder")
    return expect(answer.outcomes == ["RESULT"] * 3, answer.short())


@case("DIR/bytes: names that are not UTF-8", "the folder is left out, the file is 'nothing at this path'")
def bytes_in_names(place):
    folder = os.fsencode(place.folder)
    for name in (b"bytes/a.jpg", b"bytes/caf\xe9/b.jpg", b"bytes/n\xe9.jpg"):
        put(WHOLE, os.path.join(folder, name))
    answer = place.client("analyze", b"bytes")
    alone = place.client("analyze", b"bytes/n\xe9.jpg")
    return expect(answer.outcomes == ["RESULT"] * 3 and alone.outcomes == ["RESULT"], f"{answer.short()}; alone: {alone.short()}")


@case("DIR/fifo: a named pipe in a folder", "hangs; one SIGTERM does not end it")
def pipe_in_a_folder(place):
    copies(place.folder, **{"fifo/a.jpg": WHOLE, "fifo/c.jpg": WHOLE})
    os.mkfifo(place.folder / "fifo" / "b.jpg")
    answer = place.client("analyze", "fifo")
    streamed = stream(place, "fifo")
    now = f"{answer.short()}, {answer.seconds:.1f} s; stream: {streamed.short()}, {streamed.seconds:.1f} s"
    return expect(answer.outcomes.count("RESULT") == 2 and streamed.outcomes.count("RESULT") == 2, now)


@case("DIR/loops/**/*.jpg: links to the parent", "does not end")
def loops(place):
    copies(place.folder, **{"loops/p.jpg": WHOLE, "loops/a/x": WHOLE, "loops/b/x": WHOLE})
    for link in "ab":
        (place.folder / "loops" / link / "up").symlink_to("..")
    answer = place.client("analyze", "loops/**/*.jpg")
    return expect(answer.names() == ["p.jpg"], f"{answer.short()}, {answer.seconds:.1f} s")


@case("--files-from: a space at the end", "'p.jpg ' is listed, 'p.jpg' is analysed")
def spaces(place):
    copies(place.folder, **{"spaces/p.jpg": WHOLE, "spaces/p.jpg ": FAULTS / "jpeg-hole-1k.jpg"})
    (place.folder / "list.txt").write_text("spaces/p.jpg \n", encoding="utf-8")
    answer = place.client("analyze", "--files-from", "list.txt")
    return expect(answer.names() == ["p.jpg "] and "DAMAGED" in answer.notes(), f"{answer.names()} {answer.notes()}")


@case("DIR/locked: a folder that may not be read", "nothing at all is analysed")
def locked(place):
    copies(place.folder, **{"locked/a.jpg": WHOLE, "locked/closed/b.jpg": WHOLE})
    nobody = ()
    if os.geteuid() == 0:
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"HOME={place.folder}")
        if subprocess.run([*nobody, CLIENT, "--help"], capture_output=True).returncode != 0:
            raise Skipped("the program cannot be run as another user here")
    os.chmod(place.folder / "locked" / "closed", 0)
    try:
        answer = place.client("analyze", "locked", prefix=nobody)
    finally:
        os.chmod(place.folder / "locked" / "closed", 0o755)
    return expect(sorted(answer.outcomes) == ["FAILED", "RESULT"] and answer.code == 20, f"{answer.short()}: {answer.errors()[0]['message']}")


@case("stream concat:other.mp4, 2026-01-02T03:04:05.mp4", "other.mp4 under that name; 'cannot be opened as a video'")
def colons(place):
    copies(place.folder, **{
        "colon/concat:other.mp4": VIDEO / "video-whole.mp4", "colon/2026-01-02T03:04:05.mp4": VIDEO / "video-whole.mp4",
        "colon/other.mp4": VIDEO / "video-cut-40pct.mp4"})
    answers = [
        stream(place, name, cwd=place.folder / "colon")
        for name in ("concat:other.mp4", "2026-01-02T03:04:05.mp4")]
    return expect(all(answer.outcomes == ["RESULT"] * 40 for answer in answers), "; ".join(answer.short() for answer in answers))


@case("stream file:///…/video-whole.mp4", "begins again for ever")
def file_address(place):
    answer = stream(place, (VIDEO / "video-whole.mp4").as_uri())
    return expect(answer.outcomes == ["RESULT"] * 40, f"{answer.short()}, {answer.seconds:.1f} s")


@case("DIR/order: frames 1 to 12 of a folder", "1, 10, 11, 12, 2 …; no row names its file")
def order(place):
    copies(place.folder, **{f"order/{number}.jpg": WHOLE for number in range(1, 13)})
    answer = stream(place, "order")
    return expect(answer.names("source") == [f"{number}.jpg" for number in range(1, 13)], " ".join(answer.names("source")))


@case("DIR/stale: --save-masks into used folders", "the first run's mask stays beside the second's result")
def stale(place):
    copies(place.folder, **{"stale/1/p.jpg": WHOLE, "stale/2/p.jpg": FAULTS / "mpo-two-pictures.jpg"})
    written = []
    for run, verdict in (("1", "always"), ("2", "never")):
        answer = place.client("analyze", f"stale/{run}", "--save-masks", "--mask", verdict, "--output", "O")
        written.append(sorted(path.name for path in place.folder.glob("O/masks/**/*.png")))
    now = f"masks of the first run {written[0]}, of the second {written[1]}; mask_file {answer.rows[0].get('mask_file')}"
    return expect(written == [["p.png"], []] and "mask_file" not in answer.rows[0], now)


@case("DIR/export: --export-loupe", "predictions.txt names y/a.png a-2.png, another input's name")
def export(place):
    copies(place.folder, **{"export/x/a.jpg": WHOLE, "export/y/a.png": WHOLE, "export/z/a-2.png": WHOLE})
    place.client("analyze", "export", "--export-loupe", "E")
    names = [line.split(",")[0].split()[0] for line in (place.folder / "E" / "predictions.txt").read_text(encoding="utf-8").splitlines()]
    inputs = {"x/a": "a.jpg", "y/a": "a.png", "z/a-2": "a-2.png"}
    taken = [name for name, original in zip(names, inputs.values()) if name != original and name in inputs.values()]
    return expect(len(set(names)) == 3 and not taken, f"{' '.join(names)}")


def model_with(place, overlay):
    """Converts a whole model and an overlay."""
    tiny = DATA / "tiny" / "tiny-s"
    return convert(place.folder / "package", [tiny / "model.safetensors", overlay], tiny / "config.json", "tiny")


def last_line(done):
    said = (done.stderr.strip().splitlines() or [""])[-1].strip()
    return f"exit {done.returncode}: {said.replace(f'{CHECKPOINTS}/', '')}"


@case("overlay-compiled-prefix.safetensors", "exit 0, the package is as without the overlay")
def compiled_prefix(place):
    tiny = DATA / "tiny" / "tiny-s"
    plain = convert(place.folder / "plain", [tiny / "model.safetensors"], tiny / "config.json", "tiny")
    done = model_with(place, CHECKPOINTS / "overlay-compiled-prefix.safetensors")
    hashes = [run.stdout.split("@")[-1].split()[0] if run.returncode == 0 else "none" for run in (plain, done)]
    used = done.returncode == 0 and hashes[0] != hashes[1]
    refused = done.returncode == 1 and "_orig_mod." in done.stderr
    return expect(used or refused, f"package {hashes[1]} beside {hashes[0]}" if used else last_line(done))


@case("overlay-nothing.safetensors", "exit 0, the package is as without the overlay")
def empty_overlay(place):
    done = model_with(place, CHECKPOINTS / "overlay-nothing.safetensors")
    return expect(done.returncode == 1 and "overlay-nothing.safetensors" in done.stderr, last_line(done))


@case("overlay-nan.safetensors", "refused, with package or machine to blame instead of the tensor")
def not_a_number(place):
    done = model_with(place, CHECKPOINTS / "overlay-nan.safetensors")
    return expect(done.returncode == 1 and "segmentor.class_predictor.bias" in done.stderr and "is NaN" in done.stderr, last_line(done))


@case("model-key.pth", "'read from )', every tensor is missing")
def key_model(place):
    done = subprocess.run([SERVER, "inspect", CHECKPOINTS / "model-key.pth"], capture_output=True, text=True, timeout=60)
    return expect(done.returncode == 0 and "model" in done.stdout, f"exit {done.returncode}: {' '.join(done.stdout.split()[2:])[:100]}")


def every_interface(host):
    def run(place):
        command = [
            SERVER, "serve", "--open", "--listen", f"http://{host}:0", "--operations", "http://127.0.0.1:0", "--web", "off",
        ]
        with subprocess.Popen([os.fspath(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            ready = server.stdout.readline().strip()
            server.terminate()
            _, error = server.communicate(timeout=60)
        if not ready:
            raise Broken(f"exit {server.returncode}: {error.strip().splitlines()[-1]}")
        return expect(ready.startswith("ready http://") and server.returncode == 0, f"{ready.split(' operations')[0]}…, exit {server.returncode}")

    case(f"serve --listen http://{host}:PORT", "unhandled UriFormatException, exit 1")(run)


every_interface("*")
every_interface("+")
