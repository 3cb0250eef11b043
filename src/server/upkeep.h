/*
 * upkeep.h
 *		What has to be done from time to time: what is old goes, partitions come and go.
 */
#ifndef CG_SERVER_UPKEEP_H
#define CG_SERVER_UPKEEP_H

/*
 * Does one piece, in a transaction of its own, and returns in how many milliseconds the
 * next is to be done: 0 when this round is not over.
 */
extern long cg_upkeep_piece(void);

/* Makes the partitions that are missing; for a worker that starts, and writes at once. */
extern void cg_upkeep_make_partitions(void);

#endif /* CG_SERVER_UPKEEP_H */
