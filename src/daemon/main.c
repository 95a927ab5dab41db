// SPDX-License-Identifier: GPL-2.0-or-later
/* iovteamd: keeps teams as their configuration says. iovteamd(8) is its manual. */
#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/claim.h"
#include "daemon/events.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/udev.h"
#include "daemon/varlink.h"

#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <systemd/sd-daemon.h>

#include <bpf/libbpf.h>

#define BPF_ROOT "/sys/fs/bpf"
#define OUT_OF_MEMORY_PAUSE_MS 100
#define DESCRIPTORS 65536 /* 256 teams of 16 need less */

struct options {
	const char *config, *socket, *bpffs, *libvirt;
	char *udev; /* INTERFACE:NAME: answer this question, and do nothing else */
};

static void print_help(void)
{
	puts("usage: iovteamd [OPTION...]\n"
	     "\n"
	     "Keeps the teams of this machine as /etc/iovteam says, and fails them over.\n"
	     "It is told what to do with the command iovteam(8).\n"
	     "\n"
	     "  --config DIR    configuration files and hooks.d (default /etc/iovteam)\n"
	     "  --socket PATH   control socket (default /run/iovteam/socket)\n"
	     "  --bpffs DIR     where programs and maps are pinned (default /sys/fs/bpf/iovteam)\n"
	     "  --libvirt PROGRAM   what speaks with libvirt for VMs that are its domains\n"
	     "                  (default " IOVTEAM_LIBVIRT ")\n"
	     "  --verbose       log each step\n"
	     "  --udev INTERFACE:NAME   for udev: print ID_IOVTEAM_TEAM=TEAM if INTERFACE, called\n"
	     "                  NAME from now on, is configured as a member, and end\n"
	     "  --help, --version\n"
	     "\n"
	     "Teams live in the kernel: they go on when iovteamd ends, and it takes them over\n"
	     "as they are when it starts again.");
}

/* 0 = go on, 1 = done, negative = wrong usage. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
		{"bpffs", required_argument, NULL, 'b'},
		{"udev", required_argument, NULL, 'u'},
		{"libvirt", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'b':
			options->bpffs = optarg;
			break;
		case 'l':
			options->libvirt = optarg;
			break;
		case 'u':
			options->udev = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			print_help();
			return 1;
		case 'V':
			puts("iovteamd " IOVTEAM_VERSION);
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (optind < argc)
		log_error("unexpected word \"%s\"; see iovteamd --help", argv[optind]);
	return optind < argc ? -EINVAL : 0;
}

/* A directory that is not there is one without files. */
static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) || S_ISDIR(status.st_mode);
}

/* Pins need a BPF file system; systemd mounts one, a bare init may not have. */
static int mount_bpffs(const char *directory)
{
	struct statfs fs;

	if (strncmp(directory, BPF_ROOT "/", strlen(BPF_ROOT "/")) != 0)
		return 0;
	if (statfs(BPF_ROOT, &fs))
		return -errno;
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	return mount("bpf", BPF_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ? -errno
											    : 0;
}

/*
 * What is needed from here on. CAP_PERFMON: the verifier's work on programs that compare
 * pointers, and those that trace carriers; CAP_CHOWN: the socket's group.
 */
static void drop_capabilities(void)
{
	static const unsigned int needed[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON,
					      CAP_CHOWN};
	/* The bounding set is narrowed with CAP_SETPCAP only; systemd has narrowed ours already. */
	capng_select_t sets = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)
				      ? CAPNG_SELECT_BOTH
				      : CAPNG_SELECT_CAPS;
	bool held[ARRAY_SIZE(needed)];

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		held[i] = capng_have_capability(CAPNG_PERMITTED, needed[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (held[i])
			(void)capng_update(CAPNG_ADD,
					   CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
					   needed[i]);
	if (capng_apply(sets))
		log_warning("cannot drop capabilities");
}

/*
 * Each member has programs and maps: a team of two needs some 20 descriptors. systemd permits half a
 * million, a bare init 4096; before capabilities are dropped that can be raised.
 */
static void allow_descriptors(void)
{
	struct rlimit limit, more;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	more = limit;
	if (more.rlim_max < DESCRIPTORS)
		more.rlim_cur = more.rlim_max = DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &more) && setrlimit(RLIMIT_NOFILE, &limit))
		log_warning("cannot have more than the usual number of files open");
}

/* What libbpf has to say is for those who look into a refusal: a verifier's log is long. */
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[1024];

	if (level == LIBBPF_DEBUG)
		return 0;
	(void)vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

/*
 * Until a signal ends it. A want of memory passes: the event that met it is there still, and is
 * taken when there is some again. Whatever else stops the loop would stop it again.
 */
static int run_loop(sd_event *loop)
{
	int err = 0;

	while (sd_event_get_state(loop) != SD_EVENT_FINISHED) {
		err = sd_event_run(loop, UINT64_MAX);
		if (err >= 0)
			continue;
		log_error("waiting for events: %s", strerror(-err));
		if (err != -ENOMEM)
			return err;
		(void)poll(NULL, 0, OUT_OF_MEMORY_PAUSE_MS);
	}
	return sd_event_get_exit_code(loop, &err) < 0 ? -EINVAL : err;
}

/*
 * First of all: that another daemon serves here already must end this one before it acts. A machine
 * where no claim can be made is served all the same.
 */
static int claim_namespace(struct claim *ret_claim)
{
	int err = claim_take(ret_claim);

	if (err == -EBUSY) {
		log_error("another iovteamd serves this network namespace already; end it first, "
			  "or start this one in a namespace of its own (ip netns exec)");
		return err;
	}
	if (err)
		log_warning("cannot see to it that no other iovteamd serves here: %s",
			    strerror(-err));
	return 0;
}

static int listen_at(sd_event *loop, const char *path, const struct varlink_interface *interface,
		     struct varlink_server **ret_server)
{
	int err = varlink_listen(loop, path, interface, ret_server);

	if (err == -EEXIST)
		log_error("cannot listen at %s: there is a file that is no socket", path);
	else if (err)
		log_error("cannot listen at %s: %s", path, strerror(-err));
	return err;
}

static int serve(sd_event *loop, const struct options *options)
{
	_cleanup_free_ struct manager *manager = calloc(1, sizeof(*manager));
	struct varlink_server *server = NULL;
	struct varlink_interface interface;
	struct problem problem = {};
	struct claim claim;
	int err;

	if (!manager) {
		log_error("out of memory");
		return -ENOMEM;
	}
	manager->loop = loop;
	manager->libvirt = options->libvirt;
	interface = api_interface(manager);
	err = claim_namespace(&claim);
	if (!err)
		err = listen_at(loop, options->socket, &interface, &server);
	if (err) {
		claim_drop(&claim);
		return err;
	}
	err = events_open(manager, server, options->config, options->socket, &manager->monitors);
	if (err)
		(void)problem_set(&problem, err, "cannot watch for changes: %s", strerror(-err));
	else
		err = manager_start(manager, options->config, options->bpffs, &problem);
	if (!err)
		events_begin(manager->monitors);
	/* Not before: from the first sign of life on systemd waits for the next, start or not. */
	if (!err && sd_event_set_watchdog(loop, true) < 0)
		err = problem_set(&problem, -ENOMEM, "cannot give signs of life to systemd");
	if (err) {
		log_error("%s", problem.text);
	} else {
		(void)sd_notify(0, "READY=1");
		log_info("ready: %u teams", manager->team_count);
		err = run_loop(loop);
	}
	(void)sd_notify(0, "STOPPING=1");
	events_close(manager->monitors);
	varlink_close(server);
	/* What the workers still do may take long, and the next daemon does not wait for it. */
	claim_drop(&claim);
	manager_stop(manager);
	return err;
}

static int answer_udev(const struct options *options)
{
	char *name = strchr(options->udev, ':');

	if (name)
		*name++ = '\0';
	return udev_print(options->config, options->udev, name && *name ? name : NULL);
}

static int prepare_loop(sd_event **ret_loop)
{
	sigset_t signals;
	int err;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGCHLD); /* hooks; sd_event_add_child() wants it */
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	/* Whoever reads the log may end, and the terminal that it was started from: teams go on. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	err = sd_event_default(ret_loop);
	if (err >= 0)
		err = sd_event_add_signal(*ret_loop, NULL, SIGTERM, NULL, NULL);
	if (err >= 0)
		err = sd_event_add_signal(*ret_loop, NULL, SIGINT, NULL, NULL);
	return err < 0 ? err : 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.config = "/etc/iovteam",
		.socket = "/run/iovteam/socket",
		.bpffs = BPF_ROOT "/iovteam",
		.libvirt = IOVTEAM_LIBVIRT,
	};
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	int err = read_options(argc, argv, &options);

	if (err)
		return err < 0 ? 2 : 0;
	if (options.udev)
		return answer_udev(&options) ? 1 : 0;
	if (geteuid() != 0) {
		log_error("iovteamd must be started by root");
		return 1;
	}
	if (!is_directory(options.config)) {
		log_error("%s is no directory; --config names the one with the files",
			  options.config);
		return 2;
	}
	err = mount_bpffs(options.bpffs);
	if (err) {
		log_error("cannot mount a BPF file system at " BPF_ROOT ": %s", strerror(-err));
		return 1;
	}
	allow_descriptors();
	drop_capabilities();
	(void)libbpf_set_print(log_libbpf);
	err = prepare_loop(&loop);
	if (err)
		log_error("cannot make an event loop: %s", strerror(-err));
	else
		err = serve(loop, &options);
	return err ? 1 : 0;
}
