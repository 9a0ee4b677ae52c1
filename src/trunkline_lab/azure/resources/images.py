"""Which images there are in the marketplace, by publisher and offer. They boot, and serve nothing."""

from __future__ import annotations

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.store import Document

# Systems that need no plan.
_PLAIN = """
    canonical:ubuntuserver canonical:0001-com-ubuntu-server-focal canonical:0001-com-ubuntu-server-jammy
    canonical:ubuntu-24_04-lts canonical:ubuntu-25_04 debian:debian-10 debian:debian-11 debian:debian-12
    credativ:debian microsoftwindowsserver:windowsserver microsoftwindowsserver:windowsserversemiannual
    microsoftwindowsdesktop:windows-10 microsoftwindowsdesktop:windows-11 microsoftvisualstudio:visualstudio
    microsoftvisualstudio:visualstudio2019latest microsoftvisualstudio:visualstudio2022 microsoftostc:freebsd
    microsoftsqlserver:sql2008r2sp3-ws2008r2sp1 microsoftsqlserver:sql2014sp1-ws2012r2
    microsoftsqlserver:sql2016sp2-ws2016 microsoftsqlserver:sql2016sp3-ws2019 microsoftsqlserver:sql2017-ws2016
    microsoftsqlserver:sql2019-ws2019 microsoftsqlserver:sql2022-ws2022 microsoft-dsvm:ubuntu-1804
    microsoft-dsvm:ubuntu-2004 microsoft-dsvm:dsvm-win-2019 redhat:rhel redhat:rhel-raw redhat:rhel-sap-ha
    openlogic:centos almalinux:almalinux-x86_64 oracle:oracle-linux suse:sles suse:sles-12-sp5 suse:sles-15-sp3
    suse:sles-15-sp2 suse:sles-15-sp4 suse:sles-15-sp5 suse:sles-sap suse:sles-sap-byos suse:opensuse-leap
    coreos:coreos kinvolk:flatcar-container-linux microsoftcblmariner:cbl-mariner resf:rockylinux-x86_64
    github:github-enterprise
    """
# Vendors' appliances, which need their plan in the request.
_PLANNED = """
    fortinet:fortinet_fortigate-vm_v5 fortinet:fortinet_fortigate-vm fortinet:fortinet_fortiweb-vm_v5
    fortinet:fortinet-fortimanager fortinet:fortinet-fortianalyzer fortinet:fortinet_fortimail
    paloaltonetworks:vmseries1 paloaltonetworks:vmseries-flex paloaltonetworks:panorama
    barracudanetworks:barracuda-ng-firewall barracudanetworks:barracuda-ng-cc barracudanetworks:waf
    checkpoint:check-point-cg-r8110 checkpoint:check-point-cg-r8120 checkpoint:check-point-cg-r82
    cisco:cisco-csr-1000v cisco:cisco-c8000v cisco:cisco-asav f5-networks:f5-big-ip-best f5-networks:f5-big-ip-good
    f5-networks:f5-big-ip-byol a10networks:a10-vthunder-adc-520-for-microsoft-azure
    a10networks:a10-vthunder-adc-521 kemptech:vlm-azure sophos:sophos-xg netgate:netgate-pfsense-plus-fw-vpn-router
    zerto:zerto-cloud-appliance-50 citrix:netscalervpx-130
    """
PLAIN = frozenset(tuple(one.split(":")) for one in _PLAIN.split())
PLANNED = frozenset(tuple(one.split(":")) for one in _PLANNED.split())


def image_of(properties: Document) -> tuple[str, str]:
    """Publisher and offer of a machine's image, in small letters."""
    reference = (properties.get("storageProfile") or {}).get("imageReference") or {}
    return str(reference.get("publisher")).lower(), str(reference.get("offer")).lower()


def refuse_unknown(properties: Document, router: tuple[str, str]) -> None:
    """Raise ArmError (PlatformImageNotFound) when a machine's image is neither the router's nor in the list."""
    reference = properties["storageProfile"].get("imageReference") or {}
    found = image_of(properties)
    if not reference or reference.get("id") or found == router or found in PLAIN or found in PLANNED:
        return
    urn = ":".join(str(reference.get(part)) for part in ("publisher", "offer", "sku", "version"))
    raise ArmError(
        404,
        "PlatformImageNotFound",
        f"The platform image '{urn}' is not available. Verify that all fields in the storage profile are correct.",
        target="imageReference",
    )
