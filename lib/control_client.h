/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lines of the agent's control socket (agent/control.h), for a client that must not wait: connects, sends
 * a request, hands over whole lines as they come. Knows nothing of what they say.
 */
#ifndef RK_CONTROL_CLIENT_H
#define RK_CONTROL_CLIENT_H

#include <stddef.h>

#define CONTROL_CLIENT_LINE_MAX (8 * 1024 * 1024)

struct control_client {
	int fd; /* -EBADF: not connected */
	char *text;
	size_t used, taken, size; /* bytes read; of them handed over; room */
};

void control_client_init(struct control_client *c);
/* -errno: nobody listens there. */
int control_client_open(struct control_client *c, const char *path);
/* May be called again. */
void control_client_close(struct control_client *c);
/* A whole line with its newline; borrows it. -errno: the connection is of no use any more. */
int control_client_send(struct control_client *c, const char *line);
/* Reads what is there, without waiting.
 * @retval 0  go on with control_client_line()
 * @retval -ECONNRESET  the agent has hung up
 * @retval -EMSGSIZE  a line of more than CONTROL_CLIENT_LINE_MAX bytes */
int control_client_read(struct control_client *c);
/* The next whole line without its newline, or NULL; borrowed until the next call of anything here. */
char *control_client_line(struct control_client *c, size_t *ret_len);

#endif
