# SPDX-License-Identifier: GPL-2.0-or-later
"""What the stand-in of iovteamd says of a host: two switches, and adapters of two VMs."""

NO_IOMMU = {"name": "no-iommu", "text": "there is no IOMMU, so that virtual functions can be given "
            "to namespaces but to no VM; turn on VT-d or AMD-Vi in the firmware, and on Intel boot "
            "with intel_iommu=on"}
NO_CAPABILITY = {"name": "no-capability", "text": "the NIC has no SR-IOV, or it is off; look into "
                 "the firmware's setup (SR-IOV) and the NIC's own tool, such as mlxconfig"}


def switch(letter, number, **changes):
    return {
        "name": f"TeamDemo{letter}", "uplink": "up", "adopted": False, "iov": True,
        "nic": {"device": f"ens1f{number}", "name": f"ens1f{number}",
                "mac": f"52:54:00:bb:00:0{number}", "driver": "igb", "pci": f"0000:01:00.{number}"},
        "iov_supported": True, "iov_reasons": [], "vfs_total": 7, "vfs_made": 7, "vfs_used": 1,
        "adapters": 2, "settings": {"Iov": "on", "VfCount": "0", "Adopt": "no"}, "notes": [],
    } | changes


def troubled():
    """Well; a lost uplink without an IOMMU; no SR-IOV at all; not there; adopted and without."""
    return [
        switch("A", 0),
        switch("B", 1, uplink="down", iov_reasons=[NO_IOMMU]),
        switch("C", 2, iov_supported=False, iov_reasons=[NO_CAPABILITY, NO_IOMMU], vfs_total=0,
               vfs_made=0, vfs_used=0, notes=["ens1f2 has addresses of its own"]),
        switch("D", 3, uplink="not-present", iov_supported=False, vfs_made=0, vfs_used=0,
               nic={"device": "52:54:00:bb:00:03", "name": "", "mac": "", "driver": "", "pci": ""},
               iov_reasons=[{"name": "no-nic", "text": "the NIC is not there now; look for it"}]),
        switch("E", 4, iov=False, iov_reasons=[NO_IOMMU], adopted=True, vfs_made=0, vfs_used=0,
               adapters=0),
    ]


def adapter(letter, number, **changes):
    """With a VF, handed over to QEMU."""
    mac = f"52:54:00:cc:00:0{number}"
    wanted = {"iov_weight": 100, "allow_teaming": True, "mac_spoofing": False}
    return {
        "vm": "web1", "name": f"nic{letter}", "switch": f"TeamDemo{letter}", "mac": mac, "vlan": 0,
        "port": f"tap{number}", "status": "ok", "path": "ok",
        "wanted": wanted | changes.pop("wanted", {}),
        "actual": {"data_path": "vf", "vf": number, "vf_pci": f"0000:01:10.{number}",
                   "vf_driver": "vfio-pci", "vf_netdev": "", "spoofchk": True, "trust": True,
                   "link_state": None} | changes.pop("actual", {}),
        "permitted_macs": [mac, "52:54:00:cc:00:0" + ("2" if number == 1 else "1")],
        "frames": {"passed": 120440, "passed_mate": 311, "refused": 4, "refused_group": 0},
        "notes": [],
        "domain": None,
        "attach": {
            "qemu": ["-netdev", f"tap,id=tap-nic{letter},ifname=tap{number},script=no,downscript=no",
                     "-device", f"virtio-net-pci,id=net-nic{letter},netdev=tap-nic{letter},mac={mac}",
                     "-device", f"vfio-pci,id=vf-nic{letter},host=0000:01:10.{number}"],
            "libvirt_xml": "<interface type='ethernet'>\n"
                           f"  <target dev='tap{number}' managed='no'/>\n"
                           f"  <mac address='{mac}'/>\n</interface>\n",
        },
    } | changes


WITHOUT_VF = {"data_path": "synthetic", "vf": None, "vf_pci": None, "vf_driver": None,
              "vf_netdev": None, "spoofchk": None, "trust": None, "link_state": None}
CANNOT_TELL = ("igb cannot set a VF's link: the guest is not told of a lost uplink; its team "
               "finds out by probing")


def vm(name, *adapters, **changes):
    rows = [a | {"vm": name} for a in adapters]
    return {"name": name, "namespace": "", "qmp": "", "libvirt": "", "adapters": rows} | changes


def vms():
    """The second screenshot of the story: one uplink is lost, and the adapters are well."""
    spare = adapter("A", 3, actual=WITHOUT_VF, vlan=7, attach=None, permitted_macs=[
        "52:54:00:cc:00:03"], wanted={"iov_weight": 10, "allow_teaming": False},
        notes=["no VF of TeamDemoA is free"],
        frames={"passed": 7, "passed_mate": 0, "refused": 0, "refused_group": 12})
    return [
        vm("web1", adapter("A", 1, notes=[CANNOT_TELL]), adapter("B", 2, path="disconnected"),
           qmp="/run/web1.qmp"),
        vm("test", spare,
           adapter("B", 4, actual=WITHOUT_VF, path="uplink-lost", status="degraded", attach=None,
                   wanted={"iov_weight": 0, "allow_teaming": False, "mac_spoofing": True},
                   notes=["its port is set down"]),
           namespace="test"),
    ]


def domain():
    """A VM that is a domain of libvirt, whose guest was told of a lost uplink."""
    return vm("web3", adapter("A", 5, actual=WITHOUT_VF, path="disconnected", attach=None,
                              wanted={"iov_weight": 0}, domain={
                                  "name": "Web 3", "state": "running", "attached": True,
                                  "link": "down"}),
              libvirt="Web 3")


def vf(index, **changes):
    return {"nic": "ens1f0", "switch": "TeamDemoA", "index": index, "pci": f"0000:01:10.{index}",
            "driver": "", "mac": "00:00:00:00:00:00", "vlan": 0, "spoofchk": True, "trust": False,
            "link_state": "auto", "adapter": ""} | changes


def vfs():
    return [
        vf(0, mac="52:54:00:cc:00:01", driver="vfio-pci", trust=True, adapter="web1/nicA"),
        vf(1, mac="52:54:00:cc:00:03", driver="igbvf", vlan=7, adapter="test/nicA"),
        vf(2, spoofchk=None, trust=None),
    ]


def findings(*severities):
    """Of doctor, those of the severities that are named."""
    rows = [
        {"severity": "fatal", "check": "single-usable", "subject": "team0",
         "what": "nothing takes over when ens5 is lost",
         "evidence": "cannot take over: ens4 (media-disconnected)",
         "mend": "mend these members: iovteam member show team0"},
        {"severity": "warning", "check": "teaming-off", "subject": "web1",
         "what": "the guest of web1 is not told when a switch loses its uplink",
         "evidence": "allow-teaming is off for nicA, nicB",
         "mend": "iovteam adapter set web1 allow-teaming=on"},
        {"severity": "note", "check": "weight-zero", "subject": "web1/nicB",
         "what": "its frames take the synthetic path, which is slower",
         "evidence": "iov of the switch TeamDemoB is on, and its iov-weight is 0",
         "mend": "iovteam adapter set web1 nicB iov-weight=100"},
    ]
    return [row for row in rows if row["severity"] in severities]
