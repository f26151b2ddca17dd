"""Whole projects as ZIPs: asked for, taken apart, put together, and brought in again."""

import base64
import io
import tracemalloc
import zipfile

from projects import versions

API = "/api/v1/projects/import/"
# As much of a picture as is looked at.
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0"


def newest(project):
    found = versions.newest(project)
    assert found
    return found


def exported(client, project, **params):
    answer = client.get(f"/api/v1/projects/{project.pk}/export/", params)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def unpacked(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def imported(client, content, **more):
    return client.post(API, {"content": base64.b64encode(content).decode(), **more})


def peak(call):
    """What a call gives, and how many bytes of memory it needed at most."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
