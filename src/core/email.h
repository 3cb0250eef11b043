/*
 * email.h
 *		Reads e-mail addresses as people and mail programs write them.
 */
#ifndef CG_CORE_EMAIL_H
#define CG_CORE_EMAIL_H

#include "postgres.h"

#define CG_EMAIL_MAX 254

typedef enum CgEmailStatus
{
	CG_EMAIL_OK,
	CG_EMAIL_UNREADABLE,
	CG_EMAIL_SEVERAL,  /* more than one address */
	CG_EMAIL_NOT_ASCII /* of letters that mail cannot be sent to from here */
} CgEmailStatus;

/*
 * Finds the one address in a mailbox such as "Park, Cleo" <cleo@example.com> or
 * mailto:cleo@example.com, and writes its canonical form, in lower case.
 */
extern CgEmailStatus cg_email_read(const char *value, size_t length,
								   char address[CG_EMAIL_MAX + 1]);

#endif /* CG_CORE_EMAIL_H */
