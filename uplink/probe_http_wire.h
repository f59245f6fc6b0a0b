/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One HTTP/1.1 request and the status line of what comes back: bytes, pure. RFC 9112. Fuzzed by
 * tests/fuzz/fuzz_probe_http.c.
 */
#ifndef RK_PROBE_HTTP_WIRE_H
#define RK_PROBE_HTTP_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_HTTP_REQUEST_MAX 768
#define PROBE_HTTP_STATUS_LINE 13 /* "HTTP/1.1 200 " */

/* Bytes. @retval -EINVAL a blank or a control character in host or path. @retval -ENOSPC too long. */
int probe_http_write(const char *host, const char *path, uint8_t *ret, size_t size);
/* The status, 100..599; 0 = not enough yet. @retval -EBADMSG not HTTP/1. */
int probe_http_read(const void *data, size_t len);

#endif
