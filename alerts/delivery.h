/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One alert on its way to one receiver: HTTP and SMTP by libcurl, a program as a child process, syslog by one
 * datagram. Never waits: all deliveries share one libcurl multi handle, whose owner polls.
 */
#ifndef RK_DELIVERY_H
#define RK_DELIVERY_H

#include "alert.h"
#include "clock.h"
#include "config.h"
#include "guard_child.h"
#include "message.h"
#include "secret_file.h"

#include <curl/curl.h>

#define DELIVERY_ANSWER_MAX 256

enum delivery_result {
	DELIVERY_DONE,
	DELIVERY_FAILED,  /* perhaps better later */
	DELIVERY_REFUSED, /* the receiver understands it and does not want this one */
};

struct delivery {
	bool under_way;
	CURLM *multi; /* borrowed */
	CURL *easy;   /* NULL: no libcurl in this one */
	struct curl_slist *headers, *recipients;
	char *body; /* what is sent */
	size_t body_len, sent;
	boot_t kill_at;
	struct guard_child child;	  /* pid 0: none */
	char answer[DELIVERY_ANSWER_MAX]; /* what the receiver said, one line; also after the end */
	size_t answer_used;
	bool over; /* of libcurl's part */
	CURLcode code;
	char curl_error[CURL_ERROR_SIZE];
	enum delivery_result result; /* of what is over at once */
};

void delivery_init(struct delivery *d, CURLM *multi);
/* What is under way ends. */
void delivery_close(struct delivery *d);
/* Begins; config is borrowed until its end. Fails (DELIVERY_FAILED at the next delivery_work()) where it
 * cannot even begin, with the reason in answer. */
void delivery_start(struct delivery *d, const struct config_alert *config, const struct alert *a, boot_t now,
		    int64_t wall_ns);
/* The same for a list of Alertmanager's; takes list. */
void delivery_start_list(struct delivery *d, const struct config_alert *config, json_t *list);
/* libcurl has finished with this one (CURLMSG_DONE). */
void delivery_curl_done(struct delivery *d, CURLcode code);
/* True once when it is over. */
bool delivery_work(struct delivery *d, boot_t now, enum delivery_result *ret);
/* When delivery_work() has to be called though nothing has happened. */
boot_t delivery_next(const struct delivery *d);
/* Descriptors to be polled for reading beside libcurl's, at most two. Returns how many. */
int delivery_fds(const struct delivery *d, int ret[2]);

#endif
