"""Machine ads to judge jobs against: of machines that were seen, or made up for workers that have never joined."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import classad2
import htcondor2

from elastic.core.memory import Template
from elastic.core.resources import Resources
from elastic.ports import Malformed

PLAIN = """[
    MyType = "Machine"; TargetType = "Job"; SlotType = "Partitionable"; PartitionableSlot = true;
    State = "Unclaimed"; Activity = "Idle"; Rank = 0.0; Start = true; IsOwner = false;
    Requirements = START && (WithinResourceLimits);
    WithinResourceLimits = MY.Cpus > 0 && TARGET.RequestCpus <= MY.Cpus
        && MY.Memory > 0 && TARGET.RequestMemory <= MY.Memory && MY.Disk > 0 && TARGET.RequestDisk <= MY.Disk
        && (TARGET.RequestGPUs is undefined || MY.GPUs >= TARGET.RequestGPUs);
    Arch = "X86_64"; OpSys = "LINUX"; MaxJobRetirementTime = 8640000; SlotID = 1; SlotTypeID = 1;
    HasFileTransfer = true; HasPerFileEncryption = true; HasReconnect = true; HasJobDeferral = true; HasTDP = true;
    HasIOProxy = true; HasJICLocalConfig = true; HasJICLocalStdin = true; HasTransferInputRemaps = true;
    HasJobTransferPlugins = true; HasSelfCheckpointTransfers = true;
    HasFileTransferPluginMethods = "https,http,ftp,file,data,dav,davs,s3,gs,osdf,pelican,stash"
]"""
"""What every startd on Linux says of itself; what is special to a site is added by the settings."""


@lru_cache(maxsize=512)
def parsed(text: str) -> Any:
    """The machine ad of this text; shared, so never changed."""
    return classad2.ClassAd(text)


def made(resources: Resources, attributes: Mapping[str, str]) -> Any:
    """An empty worker with these resources and, as ClassAd expressions by name, these further attributes."""
    ad = classad2.ClassAd(PLAIN)
    ad["CondorVersion"] = str(htcondor2.version())
    for name, amount in (("Cpus", resources.cpus), ("Memory", resources.memory_mb), ("GPUs", resources.gpus)):
        ad[name] = ad[f"TotalSlot{name}"] = ad[f"Total{name}"] = amount
    ad["Disk"] = ad["TotalSlotDisk"] = ad["TotalDisk"] = resources.disk_mb * 1024
    for name, expression in attributes.items():
        try:
            ad[name] = classad2.ExprTree(expression)
        except classad2.ClassAdException as error:
            raise Malformed(f"plain_attributes: {name} = {expression!r} is no ClassAd expression") from error
    return ad


def ad_of(template: Template, attributes: Mapping[str, str]) -> tuple[str, Any]:
    """The machine ad of a template, with a text that is the same for equal ones."""
    if template.ad:
        return template.ad, parsed(template.ad)
    ad = made(template.resources, {**attributes, **template.attributes})
    return repr(ad), ad
