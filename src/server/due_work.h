/*
 * due_work.h
 *		What is due at a time: reminders, and steps of sequences.
 */
#ifndef CG_SERVER_DUE_WORK_H
#define CG_SERVER_DUE_WORK_H

/*
 * Does a piece of what is due, in a transaction of its own, and returns in how many
 * milliseconds the next is to be done: 0 when more is due now.
 */
extern long cg_due_work_piece(void);

#endif /* CG_SERVER_DUE_WORK_H */
