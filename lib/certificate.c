/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "certificate.h"

#include "cleanup.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#define CERTIFICATES_MAX 64 /* of one file */

static int certificate_end(const X509 *x, int64_t *ret_s)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return -EBADMSG;
	*ret_s = timegm(&tm);
	return 0;
}

int certificate_ends(const char *path, int64_t *ret_s, char *ret_subject, size_t size)
{
	_cleanup_(fclose_ptr) FILE *f = fopen(path, "re");
	int64_t first_s = INT64_MAX, s;
	int r = 0;

	if (!f)
		return -errno;
	for (int i = 0; i < CERTIFICATES_MAX && r == 0; i++) {
		X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

		if (!x)
			break;
		r = certificate_end(x, &s);
		if (r == 0 && s < first_s) {
			first_s = s;
			(void)X509_NAME_oneline(X509_get_subject_name(x), ret_subject, (int)size);
		}
		X509_free(x);
	}
	ERR_clear_error(); /* the end of the file is one */
	if (r == 0 && first_s == INT64_MAX)
		r = -ENODATA;
	if (r == 0)
		*ret_s = first_s;
	return r;
}
