/* SPDX-License-Identifier: MIT */
/* Containers, virtual machines, and applications that come in bundles of their own. */
#include "software/table.h"

/* Podman, Buildah and CRI-O share it. */
#define GRAPHROOT(file) LINES(file, "storage", "graphroot")
#define STORAGE_CONF                                                      \
	GRAPHROOT("/usr/share/containers/storage.conf"),                  \
		GRAPHROOT("/etc/containers/storage.conf"),                \
		GRAPHROOT("/usr/share/containers/storage.conf.d/*.conf"), \
		GRAPHROOT("/etc/containers/storage.conf.d/*.conf")

/* Of virtual machines of libvirt; from an image of a CD they only read. */
#define DISKS(file) XML(file, "source file", ALL, .is_file = true, .except = "*.iso")
#define POOLS(file) XML(file, "path", ALL, .unwritten = "*.iso")

// clang-format off
static const struct software table[] = {
	/* Containers */
	{ "Docker", SOFTWARE_CONTAINERS,
	  .units = { "docker.service", "docker.socket" },
	  .programs = { "dockerd" },
	  .data = { { .path = "/var/lib/docker", .settings = {
		ARGUMENT("/etc/default/docker", "-g"),
		ARGUMENT("/etc/default/docker", "--data-root"),
		ARGUMENT("docker.service", "-g"),
		ARGUMENT("docker.service", "--graph"),
		ARGUMENT("docker.service", "--data-root"),
		JSON("/etc/docker/daemon.json", "graph"),
		JSON("/etc/docker/daemon.json", "data-root"),
	  } } } },
	{ "containerd", SOFTWARE_CONTAINERS,
	  .units = { "containerd.service" },
	  .programs = { "containerd" },
	  .data = { { .path = "/var/lib/containerd", .settings = {
		LINES("/etc/containerd/config.toml", NULL, "root", INCLUDES("imports")),
		ARGUMENT("containerd.service", "--root"),
	  } } } },
	{ "Podman", SOFTWARE_CONTAINERS,
	  .programs = { "podman" },
	  .data = { { .path = "/var/lib/containers/storage", .settings = { STORAGE_CONF } } } },
	{ "Buildah", SOFTWARE_CONTAINERS,
	  .programs = { "buildah" },
	  .data = { { .path = "/var/lib/containers/storage", .settings = { STORAGE_CONF } } } },
	{ "CRI-O", SOFTWARE_CONTAINERS,
	  .units = { "crio.service" },
	  .programs = { "crio" },
	  .data = { { .path = "/var/lib/containers/storage", .settings = {
		STORAGE_CONF,
		LINES("/etc/crio/crio.conf", "crio", "root"),
		LINES("/etc/crio/crio.conf.d/*", "crio", "root"),
		ARGUMENT("crio.service", "--root"),
	  } } } },
	{ "k3s", SOFTWARE_CONTAINERS,
	  .units = { "k3s.service", "k3s-agent.service" },
	  .programs = { "k3s" },
	  .data = { { .path = "/var/lib/rancher", .settings = {
		LINES("/etc/rancher/k3s/config.yaml", NULL, "data-dir"),
		LINES("/etc/rancher/k3s/config.yaml.d/*.yaml", NULL, "data-dir"),
		LINES("/etc/systemd/system/k3s.service.env", NULL, "K3S_DATA_DIR"),
		LINES("/etc/systemd/system/k3s-agent.service.env", NULL, "K3S_DATA_DIR"),
		ARGUMENT("k3s.service", "--data-dir"),
		ARGUMENT("k3s-agent.service", "--data-dir"),
		ARGUMENT("k3s.service", "-d"),
		ARGUMENT("k3s-agent.service", "-d"),
	  } }, { .path = "/var/lib/kubelet" } } },
	{ "RKE2", SOFTWARE_CONTAINERS,
	  .units = { "rke2-server.service", "rke2-agent.service" },
	  .programs = { "rke2" },
	  .data = { { .path = "/var/lib/rancher", .settings = {
		LINES("/etc/rancher/rke2/config.yaml", NULL, "data-dir"),
		LINES("/etc/rancher/rke2/config.yaml.d/*.yaml", NULL, "data-dir"),
		LINES("/etc/default/rke2-server", NULL, "RKE2_DATA_DIR"),
		LINES("/etc/default/rke2-agent", NULL, "RKE2_DATA_DIR"),
		ARGUMENT("rke2-server.service", "--data-dir"),
		ARGUMENT("rke2-agent.service", "--data-dir"),
		ARGUMENT("rke2-server.service", "-d"),
		ARGUMENT("rke2-agent.service", "-d"),
	  } }, { .path = "/var/lib/kubelet" } } },
	{ "k0s", SOFTWARE_CONTAINERS,
	  .units = { "k0scontroller.service", "k0sworker.service" },
	  .programs = { "k0s" },
	  .data = { { .path = "/var/lib/k0s", .settings = {
		ARGUMENT("k0scontroller.service", "--data-dir"),
		ARGUMENT("k0sworker.service", "--data-dir"),
	  } } } },
	{ "MicroK8s", SOFTWARE_CONTAINERS,
	  .units = { "snap.microk8s.daemon-kubelite.service",
		     "snap.microk8s.daemon-containerd.service" },
	  .data = { { .path = "/var/snap/microk8s" } } },
	{ "Docker", SOFTWARE_CONTAINERS,
	  .units = { "snap.docker.dockerd.service" },
	  .data = { { .path = "/var/snap/docker" } } },
	{ "BuildKit", SOFTWARE_CONTAINERS,
	  .units = { "buildkit.service" },
	  .programs = { "buildkitd" },
	  .data = { { .path = "/var/lib/buildkit", .settings = {
		LINES("/etc/buildkit/buildkitd.toml", NULL, "root"),
		ARGUMENT("buildkit.service", "--root"),
	  } } } },
	{ "nerdctl", SOFTWARE_CONTAINERS,
	  .data = { { .path = "/var/lib/nerdctl" } } },
	{ "kubelet", SOFTWARE_CONTAINERS,
	  .units = { "kubelet.service" },
	  .programs = { "kubelet" },
	  .data = { { .path = "/var/lib/kubelet", .settings = {
		ARGUMENT("/etc/default/kubelet", "--root-dir"),
		ARGUMENT("kubelet.service", "--root-dir"),
	  } } } },
	{ "rootless Podman", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "containers/systemd", IN_HOME_CONF "containers/storage.conf",
		     IN_HOME_CONF "systemd/user/podman.service",
		     IN_HOME_CONF "systemd/user/sockets.target.wants/podman.socket" },
	  .data = { { .path = "~/.local/share/containers", .settings = {
		LINES("/etc/containers/storage.conf", "storage", "rootless_storage_path"),
		GRAPHROOT(IN_HOME_CONF "containers/storage.conf"),
		GRAPHROOT(IN_HOME_CONF "containers/storage.conf.d/*.conf"),
	  } } } },
	{ "rootless Docker", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/docker.service", IN_HOME_CONF "docker/daemon.json" },
	  .data = { { .path = "~/.local/share/docker", .settings = {
		JSON(IN_HOME_CONF "docker/daemon.json", "data-root"),
	  } } } },
	{ "rootless containerd", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/containerd.service" },
	  .data = { { .path = "~/.local/share/containerd" } } },
	{ "rootless nerdctl", SOFTWARE_CONTAINERS,
	  .data = { { .path = "~/.local/share/nerdctl" } } },
	{ "rootless BuildKit", SOFTWARE_CONTAINERS,
	  .units = { IN_HOME_CONF "systemd/user/buildkit.service" },
	  .data = { { .path = "~/.local/share/buildkit" } } },

	/* Virtual machines and system containers */
	{ "LXC", SOFTWARE_MACHINES,
	  .units = { "lxc.service" },
	  .data = { { .path = "/var/lib/lxc", .settings = {
		LINES("/etc/lxc/lxc.conf", NULL, "lxc.lxcpath"),
	  } } } },
	{ "unprivileged LXC", SOFTWARE_MACHINES,
	  .data = { { .path = "~/.local/share/lxc" } } },
	{ "Incus", SOFTWARE_MACHINES,
	  .units = { "incus.service" },
	  .programs = { "incusd" },
	  .data = { { .path = "/var/lib/incus" } } },
	{ "LXD", SOFTWARE_MACHINES,
	  .units = { "lxd.service", "snap.lxd.daemon.service" },
	  .programs = { "lxd" },
	  .data = { { .path = "/var/lib/lxd", .alternative = "/var/snap/lxd" } } },
	{ "systemd-nspawn", SOFTWARE_MACHINES,
	  .data = { { .path = "/var/lib/machines" } } },
	{ "libvirt", SOFTWARE_MACHINES,
	  .units = { "libvirtd.service", "virtqemud.service" },
	  .programs = { "libvirtd", "virtqemud" },
	  .data = { { .path = "/var/lib/libvirt/images", .settings = {
		POOLS("/etc/libvirt/storage/*.xml"),
		DISKS("/etc/libvirt/qemu/*.xml"),
	  } } } },
	{ "libvirt", SOFTWARE_MACHINES,
	  .data = { { .path = "~/.local/share/libvirt/images", .settings = {
		POOLS(IN_HOME_CONF "libvirt/storage/*.xml"),
		DISKS(IN_HOME_CONF "libvirt/qemu/*.xml"),
	  } } } },
	{ "GNOME Boxes", SOFTWARE_MACHINES,
	  .data = { { .path = "~/.local/share/gnome-boxes" } } },
	{ "VirtualBox", SOFTWARE_MACHINES,
	  .data = { { .path = "~/VirtualBox VMs" } } },
	{ "Proxmox VE", SOFTWARE_MACHINES,
	  .units = { "pve-cluster.service" },
	  .data = { { .path = "/var/lib/vz" } } },

	/* Applications */
	{ "snapd", SOFTWARE_APPLICATIONS,
	  .units = { "snapd.service", "snapd.socket" },
	  .programs = { "snap" },
	  .data = { { .path = "/var/lib/snapd" }, { .path = "/var/snap" } } },
	{ "Flatpak", SOFTWARE_APPLICATIONS,
	  .programs = { "flatpak" },
	  .data = { { .path = "/var/lib/flatpak", .settings = {
		LINES("/etc/flatpak/installations.d/*.conf", "Installation *", "Path", ALL),
	  } } } },
	{ "Flatpak", SOFTWARE_APPLICATIONS,
	  .data = { { .path = "~/.local/share/flatpak" } } },
};
// clang-format on

const struct software_list software_containers = { table, ELEMENTSOF(table) };
