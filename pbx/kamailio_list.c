/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_list.h"

#include "cleanup.h"
#include "kamailio_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LIST_TIMEOUT_NS (60 * NS_PER_S)
#define LIST_SIZE_MIN	(256 * 1024)

int kamailio_list_init(struct kamailio_list *l, const char *fifo, const char *reply_dir, uint64_t nonce)
{
	const char *slash = strrchr(fifo, '/');
	int dir_len = reply_dir ? (int)strlen(reply_dir) : slash ? (int)(slash - fifo) : 0;

	*l = (struct kamailio_list){ .fd = -EBADF };
	if (!slash || strlen(fifo) >= sizeof l->fifo || dir_len > 250)
		return -ENAMETOOLONG;
	(void)snprintf(l->fifo, sizeof l->fifo, "%s", fifo); /* fits, as do the next ones */
	(void)snprintf(l->name, sizeof l->name, "ringkeep-%016llx", (unsigned long long)nonce);
	(void)snprintf(l->reply, sizeof l->reply, "%.*s/%s", dir_len, reply_dir ? reply_dir : fifo, l->name);
	return 0;
}

void kamailio_list_close(struct kamailio_list *l)
{
	if (l->fd < 0)
		return;
	(void)close(l->fd);	/* only read from */
	(void)unlink(l->reply); /* gone already is fine */
	free(l->buf);
	l->buf = NULL;
	l->used = l->size = 0;
	l->fd = -EBADF;
}

static int list_open_reply(struct kamailio_list *l)
{
	struct stat theirs;

	(void)unlink(l->reply); /* of a predecessor with our luck in random numbers */
	if (stat(l->fifo, &theirs) < 0 || mkfifo(l->reply, 0600) < 0)
		return -errno;
	/* Kamailio, running as somebody else, must be able to write. The directory is what protects it. */
	if (theirs.st_uid != geteuid() && chmod(l->reply, 0622) < 0) {
		(void)unlink(l->reply);
		return -EACCES;
	}
	l->fd = open(l->reply, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return l->fd < 0 ? -errno : 0;
}

static int list_ask(const struct kamailio_list *l)
{
	_cleanup_(close_fd) int fd = open(l->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	char request[256];
	int n = snprintf(request, sizeof request,
			 "{\"jsonrpc\":\"2.0\",\"method\":\"ul.dump\",\"params\":[\"brief\"],\"reply_name\":"
			 "\"%s\",\"id\":1}\n",
			 l->name);

	if (fd < 0)
		return -errno; /* ENXIO: nobody reads it */
	return write(fd, request, (size_t)n) == n ? 0 : -EIO;
}

int kamailio_list_start(struct kamailio_list *l, boot_t now)
{
	int r = l->fd >= 0 ? -EBUSY : list_open_reply(l);

	if (r < 0)
		return r;
	l->deadline = boot_add(now, LIST_TIMEOUT_NS);
	r = list_ask(l);
	if (r < 0)
		kamailio_list_close(l);
	return r;
}

static int list_grow(struct kamailio_list *l)
{
	size_t size = l->size ? l->size * 2 : LIST_SIZE_MIN;
	char *grown;

	if (l->used < l->size)
		return 0;
	if (size > KAMAILIO_LIST_MAX)
		return -EMSGSIZE;
	grown = realloc(l->buf, size);
	if (!grown)
		return -ENOMEM;
	l->buf = grown;
	l->size = size;
	return 0;
}

int kamailio_list_ready(struct kamailio_list *l, json_t **ret_answer)
{
	ssize_t n = list_grow(l);

	if (n == 0) {
		n = read(l->fd, l->buf + l->used, l->size - l->used);
		if (n < 0)
			n = -errno;
	}
	if (n > 0) {
		l->used += (size_t)n;
		return 0;
	}
	if (n == -EAGAIN)
		return 0;
	if (n == 0) {
		kamailio_clean(l->buf, l->used);
		*ret_answer = json_loadb(l->buf, l->used, 0, NULL);
		n = *ret_answer ? 1 : -EBADMSG;
	}
	kamailio_list_close(l);
	return (int)n;
}

json_t *kamailio_list_names(const json_t *result)
{
	const json_t *domains = json_object_get(result, "Domains");
	const json_t *domain = json_object_get(json_array_get(domains, 0), "Domain");
	json_t *names = json_object_get(domain, "AoRs");

	return json_is_array(names) ? names : NULL;
}
