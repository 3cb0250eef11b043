/*
 * refusal.h
 *		The gate's own answers: status, code and message.
 *
 * Codes are of class ZG like the extension's (docs/errors.md); where the database
 * refused, its SQLSTATE is the code.
 */
#ifndef CG_GATE_REFUSAL_H
#define CG_GATE_REFUSAL_H

#define CG_CODE_MALFORMED "ZG550"    /* 400 */
#define CG_CODE_METHOD "ZG551"       /* 405 */
#define CG_CODE_TOO_SLOW "ZG552"     /* 408 */
#define CG_CODE_BODY_SIZE "ZG553"    /* 413 */
#define CG_CODE_EXPECTATION "ZG554"  /* 417 */
#define CG_CODE_HEADER_SIZE "ZG555"  /* 431 */
#define CG_CODE_OVERLOADED "ZG556"   /* 503 */
#define CG_CODE_NO_DATABASE "ZG557"  /* 503 */
#define CG_CODE_TIMEOUT "ZG558"      /* 504 */
#define CG_CODE_READ_TIMEOUT "57014" /* 504, as statement_timeout says it */
#define CG_CODE_BAD_ANSWER "ZG559"   /* 500 */

typedef struct CgRefusal
{
	int         status; /* 0: nothing was refused */
	char        code[6];
	const char *message; /* static, or as long-lived as the owner */
	const char *hint;    /* the same, or NULL */
} CgRefusal;

/* Fills a refusal; always returns false, for "return cg_refuse(...)". */
extern int cg_refuse(CgRefusal *refusal, int status, const char *code,
					 const char *message);

#endif /* CG_GATE_REFUSAL_H */
