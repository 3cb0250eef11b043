/*
 * phone_written.h
 *		What is written as a phone number, taken apart.  For phone.c only.
 */
#ifndef CG_CORE_PHONE_WRITTEN_H
#define CG_CORE_PHONE_WRITTEN_H

#include "core/phone.h"

/*
 * Reads the digits of a number, and whether it has a "+".  CG_PHONE_OK, or
 * CG_PHONE_UNREADABLE, CG_PHONE_WITHHELD, CG_PHONE_EXTENSION.
 */
extern CgPhoneStatus cg_phone_read_written(const char *value, size_t length,
										   CgPhoneNumber *number);

#endif /* CG_CORE_PHONE_WRITTEN_H */
