"""A camera for tests: H.264 of a test picture at rtsp://127.0.0.1:PORT/cam. Prints `port N` when it serves. With GStreamer's RTSP server.

--port N            0 picks a free one
--user NAME:SECRET  asks for a password
--silent-after N    gives no more frames after N, and says nothing
--recording FILE    an MP4 file, which has an end, instead of a camera
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--user")
    parser.add_argument("--silent-after", type=int)
    parser.add_argument("--recording")
    options = parser.parse_args()

    Gst.init(None)
    camera = ("videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! identity name=gate"
              " ! x264enc tune=zerolatency key-int-max=10")
    recording = f'filesrc location="{options.recording}" ! qtdemux ! h264parse'
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {recording if options.recording else camera} ! rtph264pay name=pay0 pt=96 config-interval=1 )")
    factory.set_shared(not options.recording)
    if options.silent_after:
        factory.connect("media-configure", lambda _, media: close_gate(media.get_element(), options.silent_after))

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    if options.user:
        ask_for_password(server, factory, *options.user.split(":"))
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print(f"port {server.get_bound_port()}", flush=True)
    GLib.MainLoop().run()


def close_gate(pipeline, frames):
    passed = [0]

    def count(_pad, _info):
        passed[0] += 1
        return Gst.PadProbeReturn.OK if passed[0] <= frames else Gst.PadProbeReturn.DROP

    pipeline.get_by_name_recurse_up("gate").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, count)


def ask_for_password(server, factory, user, password):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


main()
