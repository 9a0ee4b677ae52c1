"""Every call of the official SDK with arguments that are right: (API.method, arguments, names), in an order that works.

"raw.NAME" is a call without the SDK, for what it does not call, or not as it should: method and path, then the body.

An argument that is a function gets the results so far, by "api.method"; the last result of a method counts.
"""

LDAP = {
    "host": "192.0.2.10",
    "port": 389,
    "encrypt": False,
    "binddn": "cn=admin",
    "bindpw": "secret",
    "user_base": "ou=people",
}
VTI = {
    "name": "to other",
    "ipaddress": "192.0.2.1",
    "secret": "s",
    "ike_version": 2,
    "vpn_type": "vti",
    "route_based_int_address": "169.254.0.1/30",
    "route_based_local": "0.0.0.0/0",
    "route_based_remote": "0.0.0.0/0",
}
POLICY = {"name": "policy", "ipaddress": "192.0.2.2", "secret": "s", "ike_version": 2, "vpn_type": "policy"}
PAIR = {"remote_subnet": "10.9.0.0/24", "local_subnet": "10.1.0.0/24"}
BGP = {"ipaddress": "169.254.0.2", "asn": 65010}
RULE = "FORWARD_CUST -s 10.1.0.0/24 -j ACCEPT"
HOOK = {"name": "hook", "url": "https://hooks.example.com/one", "events": ["tunnel_down"]}
MONITOR = {"type": "pcap", "interface": "eth0", "filter": "tcp", "duration": "60", "destination": "local"}
MANAGER = {
    "log_files": [{"path": "/var/log/app.log", "description": "all"}],
    "configuration_files": [{"name": "main", "path": "/etc/app.conf", "description": "all"}],
    "ports": [{"port": 80, "protocol": "tcp", "ui": True, "ssl": False, "ui_path": "/"}],
    "process_manager": {"name": "supervisor", "subprocesses": ["app"]},
    "executables": [{"path": "/bin/app", "name": "app", "commands": {"version": "-v"}}],
}


def got(name, *keys):
    """What `name` gave, at these keys; the first member where the key is an ellipsis."""

    def value(results):
        found = results[name]
        for key in keys:
            found = next(iter(found)) if key is ... else found[key]
        return found

    return value


def at(path, number):
    """A path with a number or name that comes of the results."""
    return lambda results: path.format(number(results))


ENDPOINT = got("ipsec.post_create_ipsec_endpoint", "id")
PAIRS = (ENDPOINT, got("ipsec.post_create_ipsec_traffic_pair", "id"))
PEER = (ENDPOINT, got("bgp.create_bgp_peer", "bgp_peers", ...))
TUNNEL = (ENDPOINT, got("ipsec.post_create_ipsec_endpoint_tunnel", "tunnels", ...))
ADDED = got("interfaces.post_create_system_interface", "id")
ADDRESS = got("interfaces.create_interface_address", "id")
GRE = got("interfaces.post_create_gre_interface", "id")
WEBHOOK = got("monitoring.post_create_webhook", "id")
ALERT = got("monitoring.post_create_alert", "id")
CLIENTPACK = got("overlay_network.get_clientpacks", ...)
PLUGIN = got("network_edge_plugins.install_plugin", "id")
INSTANCE = got("network_edge_plugins.start_plugin_instance", "id")
IMAGE = got("network_edge_plugins.get_container_images", "images", 0, "id")
CONTAINER = got("network_edge_plugins.post_start_container", "uuid")
SNAPSHOT = got("snapshots.post_create_snapshot", ...)

# fmt: off
CALLS = [
    # configuration
    ("config.get_config", (), {}),
    ("config.put_config", (), {"topology_name": "acme", "controller_name": "one", "ntp_hosts": "ntp.example.com"}),
    ("config.get_keyset", (), {}),
    ("config.put_keyset", (), {"token": "t0ken"}),
    ("config.put_update_admin_ui", (), {"enabled": False, "admin_username": "me", "admin_password": "a-password"}),
    ("config.post_set_ms_config", (), {"ip": "192.0.2.5"}),
    ("config.update_ms_config", (), {"ip": "192.0.2.6", "alert_enabled": True}),
    ("config.get_ms_config", (), {}),
    ("config.post_send_test_ms_alert", (), {}),
    ("config.get_ssl_certs", (), {}),
    ("config.put_upload_ssl_keypair", (), {"cert": got("cert"), "key": got("key")}),
    ("config.put_install_ssl_keypair", (), {}),
    ("config.get_ssl_install_status", (got("config.put_install_ssl_keypair", "uuid"),), {}),
    ("config.get_variable_collections", (), {}),
    ("config.post_create_custom_variable", (), {"name": "site", "value": "paris", "description": "where"}),
    ("config.get_variables", (), {}),
    ("config.put_update_custom_variable", ("site",), {"value": "rome"}),
    ("config.delete_custom_variable", ("site",), {}),
    # access
    ("access.create_api_token", (), {"expires": 60, "name": "t", "refreshes": True}),
    ("access.get_api_tokens", (), {}),
    ("access.get_api_token", (got("access.create_api_token", "id"),), {}),
    ("access.put_expire_api_token", (got("access.create_api_token", "id"),), {}),
    ("access.delete_api_token", (got("access.create_api_token", "id"),), {}),
    ("access.create_access_url", (), {"expires": 60, "name": "u", "description": "d", "access": "rs"}),
    ("access.get_access_urls", (), {}),
    ("access.get_access_url", (got("access.create_access_url", "id"),), {}),
    ("access.put_expire_access_url", (got("access.create_access_url", "id"),), {}),
    ("access.delete_access_url", (got("access.create_access_url", "id"),), {}),
    ("access.create_access_url", (), {"name": "u"}),
    ("access.delete_access_url_by_search", (), {"access_url": got("access.create_access_url", "url")}),
    ("access.put_identity_vpn_settings", (), {"provider": "ldap", "enabled": True, **LDAP}),
    ("access.get_identity_vpn_settings", (), {}),
    ("access.post_test_identity_vpn_settings", (), {"provider": "ldap", **LDAP}),
    ("access.put_identity_controller_settings", (), {"provider": "ldap", "enabled": True, **LDAP}),
    ("access.get_identity_controller_settings", (), {}),
    ("access.post_test_identity_controller_settings", (), {"provider": "ldap", **LDAP}),
    # peering
    ("peering.put_self_peering_id", (), {"id": 1}),
    ("peering.post_create_peer", (), {"id": 2, "name": "192.0.2.3"}),
    ("peering.put_update_peer", (2,), {"name": "192.0.2.4", "overlay_mtu": "1400", "force": True}),
    ("peering.get_peering_status", (), {}),
    ("peering.delete_peer", (2,), {}),
    # IPsec, BGP, routes
    ("ipsec.put_update_ipsec_config", (), {"ipsec_local_ipaddress": got("private")}),
    ("ipsec.post_create_ipsec_endpoint", (), POLICY),
    ("ipsec.post_create_ipsec_endpoint_tunnel", (ENDPOINT,), PAIR),
    ("ipsec.put_update_ipsec_endpoint_tunnel", TUNNEL, {"description": "d", "bounce": True}),
    ("ipsec.get_ipsec_link_history", (), {"tunnelid": got("ipsec.post_create_ipsec_endpoint_tunnel", "tunnels", ...)}),
    ("ipsec.delete_ipsec_endpoint_tunnel", TUNNEL, {}),
    ("ipsec.post_create_ipsec_endpoint", (), VTI),
    ("ipsec.put_update_ipsec_endpoint", (ENDPOINT,), VTI | {"description": "other"}),
    ("ipsec.get_ipsec_endpoint", (ENDPOINT,), {}),
    ("ipsec.get_ipsec_details", (), {}),
    ("ipsec.post_create_ipsec_traffic_pair", (ENDPOINT,), PAIR),
    ("ipsec.put_update_ipsec_traffic_pair", PAIRS, {"description": "d"}),
    ("ipsec.disable_ipsec_traffic_pair", PAIRS, {}),
    ("ipsec.enable_ipsec_traffic_pair", PAIRS, {}),
    ("ipsec.delete_ipsec_traffic_pair", PAIRS, {}),
    ("bgp.create_bgp_peer", (ENDPOINT,), BGP),
    ("bgp.get_bgp_peer", PEER, {}),
    ("bgp.update_bgp_peer", PEER, BGP | {"hold_time": 30}),
    ("bgp.delete_bgp_peer", PEER, {}),
    ("ipsec.get_ipsec_status", (), {}),
    ("ipsec.get_connected_subnets", (), {"extended_output": True}),
    ("ipsec.post_restart_ipsec_action", (), {}),
    ("routing.post_create_route", (), {"cidr": "10.7.0.0/16", "gateway": "10.1.0.1", "interface": "eth0"}),
    ("routing.get_routes", (), {}),
    ("routing.disable_route", (got("route"),), {}),
    ("routing.enable_route", (got("route"),), {}),
    ("routing.delete_route", (got("route"),), {}),
    ("ipsec.delete_ipsec_endpoint", (ENDPOINT,), {}),
    # firewall, version 2
    ("firewall.post_create_firewall_rule", (), {"rule": RULE, "comment": "c"}),
    ("firewall.get_firewall_rules", (), {}),
    ("firewall.put_update_firewall_rule", (got("firewall.post_create_firewall_rule", "id"),), {"comment": "d"}),
    ("firewall.post_create_firewall_rule_group", (), {"name": "g", "rule_ids": [], "description": "d"}),
    ("firewall.add_rule_to_group", ("g",), {"rule_id": got("firewall.post_create_firewall_rule", "id")}),
    ("firewall.get_firewall_rule_groups", (), {}),
    ("firewall.get_firewall_rule_group", ("g",), {}),
    ("firewall.put_update_firewall_rule_group", ("g",), {"rule_ids": [], "description": "e"}),
    ("firewall.delete_firewall_rule_group", ("g",), {}),
    ("firewall.export_firewall_rules", (), {}),
    ("firewall.import_firewall_rules", (), {"rules": f"{RULE}\n{RULE}", "position": 0}),
    ("firewall.delete_firewall_rule", (got("firewall.post_create_firewall_rule", "id"),), {}),
    ("firewall.post_create_firewall_fwset", (), {"name": "nets", "type": "net", "entries": ["10.1.0.0/24"]}),
    ("firewall.add_entry_to_fwset", ("nets",), {"entry": "10.2.0.0/24", "comment": "c"}),
    ("firewall.delete_entry_from_fwset", ("nets",), {"entry": "10.2.0.0/24"}),
    ("firewall.get_firewall_fwsets", (), {}),
    ("firewall.get_firewall_fwset", ("nets",), {}),
    ("firewall.put_update_firewall_fwset", ("nets",), {"entries": ["10.3.0.0/24"], "description": "d"}),
    ("firewall.delete_firewall_fwset", ("nets",), {}),
    ("firewall.post_create_firewall_subtable", (), {"name": "sub", "type": "filter", "description": "d"}),
    ("raw.rule", ("POST", "/v2/firewall/subtables/sub/rules"), {"rule": "-s 10.1.0.0/24 -j ACCEPT", "position": 0}),
    ("firewall.get_firewall_subtables", (), {}),
    ("firewall.get_firewall_subtable", ("sub",), {}),
    ("firewall.delete_firewall_subtable_rule", ("sub", got("raw.rule", "rules", 0, "id")), {}),
    ("firewall.put_update_firewall_subtable", ("sub",), {"rules": [{"rule": "-j DROP", "position": 0}]}),
    ("firewall.delete_firewall_subtable", ("sub",), {}),
    ("firewall.put_overwrite_firewall", (), {"rules": [{"rule": RULE}]}),
    ("firewall.put_firewall_action", (), {"action": "recreate_all"}),
    ("raw.action", ("PUT", "/firewall/actions"), {"action": "recreate_all"}),
    ("raw.rules", ("PUT", "/v2/firewall/rules"), {"rules": [{"rule": RULE}]}),
    # firewall, version 1
    ("firewall.get_firewall_rules", (), {"api_version": 1}),
    ("firewall.post_create_firewall_rule", (), {"rule": RULE, "api_version": 1}),
    ("firewall.delete_firewall_rule_by_position", (0,), {"api_version": 1}),
    ("firewall.delete_firewall_rule_by_rule", (), {"rule": RULE, "api_version": 1}),
    ("firewall.put_overwrite_firewall", (), {"rules": RULE, "api_version": 1}),
    ("firewall.post_create_firewall_fw_set", (), {"rules": "NETS_a 10.1.0.0/24\nNETS_a 10.2.0.0/24"}),
    ("firewall.get_firewall_fw_sets", (), {"name": "NETS_a", "verbose": True}),
    ("firewall.put_reinitialize_fw_sets", (), {}),
    ("firewall.delete_firewall_fw_set", (), {"name": "NETS_a"}),
    ("firewall.post_create_firewall_subgroup", (), {"name": "FWD_C_a", "rules": "-s 10.1.0.0/24 -j ACCEPT"}),
    ("firewall.get_firewall_rule_subgroups", (), {}),
    ("firewall.put_reinitialize_firewall_subgroups", (), {}),
    ("firewall.delete_firewall_subgroup", (), {"name": "FWD_C_a"}),
    # interfaces
    ("interfaces.get_interfaces", (), {}),
    ("interfaces.post_interfaces_action", (), {"discover_ips": True}),
    ("interfaces.post_create_system_interface", (), {"name": "eth1", "ip_internal": "10.1.1.4", "mask_bits": "24"}),
    ("interfaces.get_system_interfaces", (), {}),
    ("interfaces.get_system_interface_details", (ADDED,), {}),
    ("interfaces.put_update_system_interface", (ADDED,), {"description": "d"}),
    ("interfaces.create_interface_address", (ADDED,), {"ip_internal": "10.1.1.5", "mask_bits": 24}),
    ("interfaces.get_interface_addresses", (ADDED,), {}),
    ("interfaces.get_interface_address", (ADDED, ADDRESS), {}),
    ("interfaces.put_update_interface_address", (ADDED, ADDRESS), {"description": "d"}),
    ("interfaces.delete_interface_address", (ADDED, ADDRESS), {}),
    ("interfaces.delete_system_interface", (ADDED,), {}),
    ("interfaces.post_create_gre_interface", (), {"endpoint_name": "g", "ip_internal": "10.8.0.1", "ttl": 64}),
    ("interfaces.get_gre_interfaces", (), {}),
    ("interfaces.get_gre_interface_details", (GRE,), {}),
    ("interfaces.put_update_gre_interface", (GRE,), {"description": "d"}),
    ("interfaces.delete_gre_interface", (GRE,), {}),
    # monitoring
    ("monitoring.get_alert_event_types", (), {}),
    ("monitoring.post_create_webhook", (), HOOK),
    ("monitoring.get_webhooks", (), {}),
    ("monitoring.get_webhook", (WEBHOOK,), {}),
    ("monitoring.put_update_webhook", (WEBHOOK,), {"name": "hook2"}),
    ("monitoring.post_create_alert", (), {"name": "a", "url": HOOK["url"], "webhook_id": WEBHOOK}),
    ("monitoring.get_alerts", (), {}),
    ("monitoring.get_alert", (ALERT,), {}),
    ("monitoring.put_update_alert", (ALERT,), {"name": "b"}),
    ("monitoring.post_test_alert", (ALERT,), {}),
    ("monitoring.post_toggle_enable_alert", (ALERT,), {}),
    ("monitoring.delete_alert", (ALERT,), {}),
    ("monitoring.delete_webhook", (WEBHOOK,), {}),
    ("monitoring.create_packet_monitor", (), {"name": "m", **MONITOR}),
    ("monitoring.get_packet_monitors", (), {}),
    ("monitoring.get_packet_monitor", ("m",), {}),
    ("monitoring.put_start_packet_monitor", ("m",), {}),
    ("monitoring.put_stop_packet_monitor", ("m",), {}),
    ("monitoring.download_packet_monitor_data", ("m",), {}),
    ("monitoring.delete_packet_monitor", ("m",), {}),
    # overlay
    ("overlay_network.get_clientpacks", (), {}),
    ("overlay_network.get_clientpack", (CLIENTPACK,), {}),
    ("overlay_network.put_update_clientpack", (), {"name": CLIENTPACK, "enabled": True, "regenerate": True}),
    ("overlay_network.put_update_all_clientpacks", (), {"enabled": True, "checked_out": False}),
    ("overlay_network.post_checkout_next_clientpack", (), {}),
    ("overlay_network.post_add_clientpacks", (), {"requested_ips": "100.127.255.254"}),
    ("overlay_network.get_download_clientpack", (), {"name": CLIENTPACK, "fileformat": "conf"}),
    ("overlay_network.get_download_named_clientpack", (lambda results: f"{CLIENTPACK(results)}.conf",), {}),
    ("raw.file", ("GET", at("/clientpack/{}", CLIENTPACK)), {}),
    ("overlay_network.post_create_clientpack_tag", (CLIENTPACK,), {"key": "k", "value": "v"}),
    ("overlay_network.delete_clientpack_tag", (CLIENTPACK,), {"key": "k"}),
    ("overlay_network.put_disconnect_clientpack", (CLIENTPACK,), {}),
    ("overlay_network.post_reset_client", (), {"name": CLIENTPACK}),
    ("overlay_network.post_reset_all_clients", (), {}),
    ("overlay_network.get_clients_status", (), {}),
    ("overlay_network.get_connected_subnets", (), {}),
    ("overlay_network.create_link", (), {"id": "lnk0", "name": "n", "description": "d", "conf": "client"}),
    ("overlay_network.get_links", (), {}),
    ("overlay_network.get_link", ("lnk0",), {}),
    ("overlay_network.put_update_link", ("lnk0",), {"name": "m"}),
    ("overlay_network.get_link_logs", ("lnk0",), {}),
    ("raw.tag", ("POST", "/links/lnk0/tags"), {"key": "k", "value": "v"}),
    ("overlay_network.delete_link_tag", ("lnk0", "k"), {}),
    ("overlay_network.put_global_link_policies", (), {"policies": "persist-tun"}),
    ("overlay_network.get_global_link_policies", (), {}),
    ("overlay_network.delete_link", ("lnk0",), {}),
    # plugins
    ("network_edge_plugins.get_plugin_catalog", (), {}),
    ("network_edge_plugins.install_plugin", (), {"name": "p", "image_url": "https://images.example.com/p", "tags": {}}),
    ("network_edge_plugins.get_plugins", (), {}),
    ("network_edge_plugins.get_plugin", (PLUGIN,), {}),
    ("network_edge_plugins.get_plugin_manager_config", (PLUGIN,), {}),
    ("raw.plugin", ("PUT", at("/plugins/{}", PLUGIN)), {"description": "d"}),
    ("raw.export", ("POST", at("/plugins/{}/exports", PLUGIN)), {"name": "x"}),
    ("network_edge_plugins.get_plugin_exports", (PLUGIN,), {}),
    ("network_edge_plugins.get_plugin_system_exports", (), {}),
    ("network_edge_plugins.get_download_plugin_export", (PLUGIN, "x"), {}),
    ("network_edge_plugins.delete_plugin_export", (PLUGIN, "x"), {}),
    ("network_edge_plugins.start_plugin_instance", (), {"name": "i", "plugin_id": PLUGIN, "manager_config": MANAGER}),
    ("network_edge_plugins.get_plugin_instances", (), {}),
    ("network_edge_plugins.get_plugin_instance", (INSTANCE,), {}),
    ("network_edge_plugins.post_create_manager_config", (INSTANCE,), MANAGER),
    ("network_edge_plugins.put_update_manager_config", (INSTANCE,), {"log_files": MANAGER["log_files"]}),
    ("network_edge_plugins.get_plugin_instance_config_files", (INSTANCE,), {}),
    ("network_edge_plugins.put_plugin_instance_config_content", (INSTANCE, "main"), {"content": "one"}),
    ("network_edge_plugins.put_plugin_instance_config_content", (INSTANCE, "main"), {"content": "two"}),
    ("network_edge_plugins.get_plugin_instance_config_content", (INSTANCE, "main"), {"version": 2}),
    ("network_edge_plugins.revert_plugin_instance_config_file", (INSTANCE, "main"), {"version": 2}),
    ("network_edge_plugins.delete_plugin_instance_config_version", (INSTANCE, "main", 1), {}),
    ("network_edge_plugins.clear_plugin_instance_conf_file_history", (INSTANCE, "main"), {}),
    ("raw.clear", ("POST", at("/plugin-instances/{}/configurations/main/clear", INSTANCE)), {}),
    ("raw.users", ("GET", at("/plugin-instances/{}/users", INSTANCE)), {}),
    ("network_edge_plugins.get_plugin_instance_log_files", (INSTANCE,), {}),
    ("network_edge_plugins.get_plugin_instance_log_content", (INSTANCE, "app-log"), {}),
    ("network_edge_plugins.get_plugin_instance_processes", (INSTANCE,), {}),
    ("network_edge_plugins.run_plugin_instance_process_action", (INSTANCE,), {"process": "app", "action": "restart"}),
    ("network_edge_plugins.run_plugin_instance_executable_command", (INSTANCE,), {"command": "version"}),
    ("network_edge_plugins.put_plugin_instance_user", (INSTANCE,), {"username": "u", "password": "pw"}),
    ("network_edge_plugins.delete_plugin_instance_user", (INSTANCE, "u"), {}),
    ("network_edge_plugins.put_plugin_instance_firewall_rule", (INSTANCE,),
     {"preset": "port_forward", "host_port": 8080, "container_port": 80, "protocol": "tcp"}),
    ("network_edge_plugins.get_plugin_instance_firewall", (INSTANCE,), {}),
    ("raw.export", ("POST", at("/plugin-instances/{}/exports", INSTANCE)), {"name": "y"}),
    ("network_edge_plugins.get_plugin_instance_exports", (INSTANCE,), {}),
    ("network_edge_plugins.get_download_plugin_instance_export", (INSTANCE, "y"), {}),
    ("network_edge_plugins.delete_plugin_instance_export", (INSTANCE, "y"), {}),
    ("network_edge_plugins.post_commit_plugin_instance", (INSTANCE,), {"name": "c", "description": "d"}),
    ("network_edge_plugins.delete_plugin_instance", (INSTANCE,), {}),
    ("network_edge_plugins.delete_plugin", (PLUGIN,), {}),
    ("network_edge_plugins.get_container_system_status", (), {}),
    ("network_edge_plugins.put_configure_container_system", (), {"network": "198.51.100.16/28"}),
    ("network_edge_plugins.post_action_container_system", (), {"action": "start"}),
    ("network_edge_plugins.get_container_system_ips", (), {}),
    ("network_edge_plugins.post_create_container_image", (), {"name": "img", "url": "https://images.example.com/i"}),
    ("network_edge_plugins.get_container_images", (), {}),
    ("network_edge_plugins.get_container_system_images", (), {}),
    ("network_edge_plugins.put_update_container_image", (IMAGE,), {"name": "img2"}),
    ("network_edge_plugins.post_start_container", (), {"image_uuid": IMAGE, "name": "c"}),
    ("network_edge_plugins.get_container_system_running_containers", (), {"show_all": True}),
    ("network_edge_plugins.get_running_containers", (), {}),
    ("network_edge_plugins.get_container_logs", (CONTAINER,), {"lines": 5}),
    ("network_edge_plugins.post_commit_container", (CONTAINER,), {"name": "committed"}),
    ("network_edge_plugins.post_export_image", (CONTAINER,), {"name": "z"}),
    ("raw.export", ("POST", at("/container_system/images/{}/exports", IMAGE)), {"name": "w"}),
    ("network_edge_plugins.put_stop_container", (CONTAINER,), {}),
    ("network_edge_plugins.delete_container", (CONTAINER,), {}),
    ("network_edge_plugins.delete_container_image", (IMAGE,), {"force": True}),
    # system
    ("sys_admin.get_cloud_data", (), {}),
    ("sys_admin.get_runtime_status", (), {}),
    ("sys_admin.get_system_status", (), {}),
    ("sys_admin.get_task_status", (), {"token": got("task")}),
    ("sys_admin.put_update_remote_support", (), {"enabled": True, "revoke_credential": False}),
    ("sys_admin.get_remote_support_details", (), {}),
    ("sys_admin.post_generate_support_keypair", (), {"body": "a passphrase"}),
    ("licensing.get_license", (), {}),
    ("licensing.put_license_upgrade", (), {"body": got("upgrade")}),
    ("snapshots.post_create_snapshot", (), {"name": "before"}),
    ("snapshots.get_snapshots", (), {}),
    ("snapshots.get_download_snapshot", (SNAPSHOT,), {}),
    ("snapshots.delete_snapshot", (SNAPSHOT,), {}),
]
# fmt: on

# Those that reboot or end the session stand alone, in tests of their own; so do the SDK's own loops over other calls.
ALONE = {
    "licensing.upload_license",
    "licensing.put_set_license_parameters",
    "config.put_update_api_password",
    "snapshots.put_import_snapshot",
    "sys_admin.put_server_action",
}
LOOPS = {
    "config.try_get_keyset",
    "config.wait_for_keyset",
    "ipsec.wait_for_tunnel_connected",
    "network_edge_plugins.restart_container_network",
    "network_edge_plugins.wait_for_container_system_state",
    "network_edge_plugins.wait_for_image_import",
    "routing.post_create_route_if_not_exists",
    "sys_admin.poll_token",
    "sys_admin.wait_for_api",
}
# What cohesivenet 1.0.3 cannot call at all, whatever the controller does.
BROKEN = {
    "firewall.add_rule_to_subtable",  # uses a name that is not defined
    "overlay_network.create_link_tag",  # asks for the path with "{link_id}" in it
    "network_edge_plugins.create_plugin_export",  # does not send the name that the document requires
    "network_edge_plugins.create_plugin_instance_export",  # likewise
    "network_edge_plugins.update_plugin",  # asks for the path with "{id}" in it
}
