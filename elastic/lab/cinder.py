"""What stands in for Cinder: volumes that are names and sizes, counted against limits; nothing can be attached.

python -m elastic.lab.cinder PORT [PROJECTS]
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from elastic.lab.stub import UNLIMITED, Stub, serve

VERSION = "3.71"
LIMITS = {"maxTotalVolumes": "volumes", "maxTotalVolumeGigabytes": "gigabytes"}
COLLECTION, MEMBER = 1, 2


class CinderStub(Stub):
    """Versions, limits, volumes; a volume is available at once and stays until it is deleted."""

    volumes: ClassVar[dict[str, dict[str, Any]]] = {}

    def on_get(self) -> None:
        """Answer a question; paths are /v3/PROJECT/..."""
        words = self.words()
        project, rest = "".join(words[1:2]), words[2:]
        if not rest:
            self.answer(200 if words else 300, {"versions": [self._version()]})
        elif rest == ["limits"]:
            self.answer(200, {"limits": {"rate": [], "absolute": self._absolute(project)}})
        elif rest[0] == "volumes" and (len(rest) == COLLECTION or rest[1] == "detail"):
            # All in one page.
            mine = [] if "marker" in self.query() else self._of(project)
            self.answer(200, {"volumes": mine})
        elif rest[0] == "volumes" and rest[1] in self.volumes:
            self.answer(200, {"volume": self.volumes[rest[1]]})
        else:
            self._missing(rest[-1])

    def on_post(self) -> None:
        """Make a volume."""
        asked = self.read()
        words = self.words()
        if words[2:] != ["volumes"] or not isinstance(asked, dict):
            self._missing("action")
            return
        wanted = asked["volume"]
        for name, more in (("volumes", 1), ("gigabytes", int(wanted["size"]))):
            limit = self.limit(words[1], name)
            if limit != UNLIMITED and self._used(words[1])[name] + more > limit:
                message = f"Maximum number of {name} allowed ({limit}) exceeded for quota '{name}'."
                self.answer(413, {"overLimit": {"code": 413, "message": message, "retryAfter": "0"}})
                return
        self.answer(202, {"volume": self._made(words[1], wanted)})

    def on_delete(self) -> None:
        """Delete a volume."""
        found = self.volumes.pop(self.words()[-1], None)
        if found is None:
            self._missing("volume")
        else:
            self.answer(202, None)

    def _version(self) -> dict[str, object]:
        host = self.headers.get("Host", "127.0.0.1")
        links = [{"rel": "self", "href": f"http://{host}/v3/"}]
        return {"id": "v3.0", "status": "CURRENT", "version": VERSION, "min_version": "3.0", "links": links}

    def _made(self, project: str, wanted: dict[str, Any]) -> dict[str, Any]:
        volume: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "name": wanted.get("name") or "",
            "size": int(wanted["size"]),
            "metadata": wanted.get("metadata") or {},
            "status": "available",
            "attachments": [],
            "created_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
            "os-vol-tenant-attr:tenant_id": project,
        }
        self.volumes[volume["id"]] = volume
        return volume

    def _of(self, project: str) -> list[dict[str, Any]]:
        return [one for one in list(self.volumes.values()) if one["os-vol-tenant-attr:tenant_id"] == project]

    def _used(self, project: str) -> dict[str, int]:
        mine = self._of(project)
        return {"volumes": len(mine), "gigabytes": sum(int(one["size"]) for one in mine)}

    def _absolute(self, project: str) -> dict[str, int]:
        most = {name: self.limit(project, kind) for name, kind in LIMITS.items()}
        used = self._used(project)
        return {**most, "totalVolumesUsed": used["volumes"], "totalGigabytesUsed": used["gigabytes"]}

    def _missing(self, what: str) -> None:
        self.answer(404, {"itemNotFound": {"code": 404, "message": f"no {what} here"}})


if __name__ == "__main__":
    sys.exit(serve(CinderStub))
