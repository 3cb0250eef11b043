/*
 * errors.h
 *		The SQLSTATEs of cloudgreet's own: class ZG.
 *
 * A standard code is used wherever one fits; a code is here only when a caller
 * must tell the case apart.  docs/errors.md maps each to an HTTP status and a
 * test compares the two lists.
 */
#ifndef CG_ERRORS_H
#define CG_ERRORS_H

#define CG_SQLSTATE(n)                                                                   \
	MAKE_SQLSTATE('Z', 'G', '0' + ((n) / 100) % 10, '0' + ((n) / 10) % 10, '0' + (n) % 10)

/* ZG1xx: tenant, secrets and the state of the installation */
#define ERRCODE_CG_BUSINESS_REQUIRED CG_SQLSTATE(101)
#define ERRCODE_CG_BUSINESS_FORBIDDEN CG_SQLSTATE(102)
#define ERRCODE_CG_TOKEN_INVALID CG_SQLSTATE(103)
#define ERRCODE_CG_PHONE_NUMBER_INVALID CG_SQLSTATE(104)
#define ERRCODE_CG_EMAIL_INVALID CG_SQLSTATE(105)
#define ERRCODE_CG_TIME_ZONE_INVALID CG_SQLSTATE(106)
#define ERRCODE_CG_PHONE_NUMBER_TAKEN CG_SQLSTATE(107)
#define ERRCODE_CG_MASTER_KEY_MISSING CG_SQLSTATE(108)
#define ERRCODE_CG_MASTER_KEY_INVALID CG_SQLSTATE(109)
#define ERRCODE_CG_SECRET_UNREADABLE CG_SQLSTATE(110)
#define ERRCODE_CG_SECRET_NOT_FOUND CG_SQLSTATE(111)
#define ERRCODE_CG_SCHEMA_MISSING CG_SQLSTATE(112)
#define ERRCODE_CG_SCHEMA_OUTDATED CG_SQLSTATE(113)
#define ERRCODE_CG_SCHEMA_NEWER CG_SQLSTATE(114)
#define ERRCODE_CG_INSTANCE_FILE CG_SQLSTATE(116)
#define ERRCODE_CG_SCHEMA_BROKEN CG_SQLSTATE(117)

/* ZG2xx: answers to webhooks */
#define CG_CODE_WEBHOOK_REFUSED "ZG201"
#define CG_CODE_WEBHOOK_ACCOUNT "ZG202"
#define CG_CODE_WEBHOOK_TOO_LARGE "ZG203"
#define CG_CODE_WEBHOOK_MALFORMED "ZG204"

/* ZG3xx: sending */
#define ERRCODE_CG_SENDER_MISSING CG_SQLSTATE(301)
#define ERRCODE_CG_CONTACT_SUPPRESSED CG_SQLSTATE(302)

/* ZG5xx: answers of the HTTP surface that are no database error */
#define CG_CODE_NOT_FOUND "ZG501"
#define CG_CODE_METHOD_NOT_ALLOWED "ZG502"
#define CG_CODE_MEDIA_TYPE "ZG503"
#define CG_CODE_BAD_TARGET "ZG504"

#endif /* CG_ERRORS_H */
