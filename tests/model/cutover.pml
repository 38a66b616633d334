/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godwit cutover model: symmetric switch of the writable side; one decision register per epoch.
 *
 * Bugs that tests/model_check.sh sows: BUG_NOVERIFY (digests are not compared), BUG_NOEPOCH (late
 * orders act), BUG_UNFOWN (an abort gives no ownership back), BUG_VOLATILEFENCE (a reboot forgets
 * the fence), BUG_CEDEEARLY (the old holder follows before the decision says promote).
 * agent/ownership.c is the code; tests/unit_switch_model.c searches the code itself.
 */
#ifndef MAXE
#define MAXE 2
#endif
#ifndef MAXV
#define MAXV 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define TORN 99
#define ROTTEN 98                                    /* a copy that went wrong in silence; at most one */
mtype = { IDLE, FENCING, SYNCING, VERIFYING, DECIDING };
mtype db = IDLE; byte ep = 0; bit owner = 0;         /* planner DB row: every change is a CAS on (db,ep) */
byte dec[MAXE+1];                                    /* decision register: 0 none 1 PROMOTE 2 ABORT */
bool m_fence[MAXE+1]; bool m_apply[MAXE+1]; bool m_grant[MAXE+1]; bool m_unf[MAXE+1]; /* sent => may arrive any time, any number of times, or never */
bool a_fence[MAXE+1]; bool a_apply[MAXE+1]; byte dsrc[MAXE+1]; byte ddst[MAXE+1];
byte s3[MAXE+1];
byte v[2]; byte acked = 0;                           /* data versions; acknowledged writes */
bool writable[2]; bool own[2]; byte maxe[2]; byte fenced[2];   /* own,maxe,fenced,v are durable on the node */
byte crashes = 0; bit rotten = 0; byte frm = 0;                      /* bit e of frm = owner when epoch e opened */
#define FROM(e) ((frm >> (e)) & 1)
#define CAS(e,val) if :: dec[e]==0 -> dec[e]=val :: else fi
#define STEP(a,b) if :: (db==a && ep==e) -> db=b :: else fi

proctype Planner() {
  mtype s = IDLE; byte e = 0;
end: do
  :: atomic { s = db; e = ep };                      /* snapshot may go stale before it is used: zombie planner */
     if
     :: s==IDLE -> atomic { if :: (db==IDLE && ep==e && e<MAXE) -> ep=e+1; frm = frm | (owner << (e+1)); db=FENCING :: else fi; s=IDLE; e=0 }
     :: s==FENCING -> m_fence[e]=true;
          if :: atomic { a_fence[e] -> STEP(FENCING,SYNCING); s=IDLE; e=0 }
             :: atomic { CAS(e,2); STEP(FENCING,DECIDING); s=IDLE; e=0 }     /* timeout or operator abort */
          fi
     :: s==SYNCING -> m_apply[e]=true;
          if :: atomic { a_apply[e] -> STEP(SYNCING,VERIFYING); s=IDLE; e=0 }
             :: atomic { CAS(e,2); STEP(SYNCING,DECIDING); s=IDLE; e=0 }
          fi
     :: s==VERIFYING ->
          if
#ifdef BUG_NOVERIFY
          :: true -> atomic { CAS(e,1) }
#else
          :: dsrc[e]==ddst[e] -> atomic { CAS(e,1) }
          :: dsrc[e]!=ddst[e] -> atomic { CAS(e,2) }
#endif
          :: true -> atomic { CAS(e,2) }
          fi;
          atomic { STEP(VERIFYING,DECIDING); s=IDLE; e=0 }
     :: s==DECIDING ->
          if :: atomic { dec[e]==1 -> m_grant[e]=true }; atomic { if :: (db==DECIDING&&ep==e) -> owner = 1-FROM(e); db=IDLE :: else fi; s=IDLE; e=0 }
             :: atomic { dec[e]==2 -> m_unf[e]=true };   atomic { STEP(DECIDING,IDLE); s=IDLE; e=0 }
          fi
     fi
  od }

#ifdef BUG_NOEPOCH
#define FRESH(e) true
#else
#define FRESH(e) (e>=maxe[n])
#endif
#ifdef BUG_UNFOWN
#define RESTORE fenced[n]=0; writable[n]=own[n]
#else
#define RESTORE fenced[n]=0; own[n]=true; writable[n]=true   /* ABORT at epoch E proves FROM(E) is the owner */
#endif
#ifdef BUG_CEDEEARLY
#define CEDES(E) true
#else
#define CEDES(E) (dec[E]==1)
#endif
#define UP(E) if :: E>maxe[n] -> maxe[n]=E :: else fi
#define HANDLERS(E) \
  :: atomic { m_fence[E] && FROM(E)==n && E>maxe[n] -> writable[n]=false; fenced[n]=E; maxe[n]=E } \
  :: atomic { m_fence[E] && fenced[n]==E && !a_fence[E] -> s3[E]=v[n]; dsrc[E]=v[n]; a_fence[E]=true } \
  :: atomic { m_apply[E] && FROM(E)!=n && FRESH(E) && !writable[n] && v[n]!=TORN && !a_apply[E] -> own[n]=false; fenced[n]=0; UP(E); v[n]=TORN } \
  :: atomic { m_apply[E] && FROM(E)!=n && FRESH(E) && !writable[n] && v[n]==TORN && !a_apply[E] -> UP(E); \
       if :: v[n]=s3[E] :: rotten==0 -> rotten=1; v[n]=ROTTEN fi; ddst[E]=v[n]; a_apply[E]=true } \
  :: atomic { m_grant[E] && FROM(E)!=n && FRESH(E) && dec[E]==1 && !writable[n] -> UP(E); fenced[n]=0; own[n]=true; writable[n]=true } \
  :: atomic { m_unf[E] && fenced[n]==E && dec[E]==2 -> RESTORE } \
  :: atomic { fenced[n]==E && CEDES(E) -> own[n]=false; fenced[n]=0 }           /* before its first write as a follower */ \
  :: atomic { fenced[n]==E && dec[E]!=1 -> CAS(E,2); RESTORE }
proctype Node(bit n) {
end: do
  :: atomic { writable[n] && acked<MAXV -> assert(!writable[1-n]); assert(v[n]==acked); v[n]=v[n]+1; acked=acked+1 }
  HANDLERS(1)
  HANDLERS(2)
#if MAXE>2
  HANDLERS(3)
#endif
  :: atomic { crashes<CRASHES -> crashes=crashes+1; writable[n]=false;
#ifdef BUG_VOLATILEFENCE
       fenced[n]=0;
#endif
       if :: own[n] && fenced[n]==0 -> writable[n]=true :: else fi }   /* reboot runs the boot guard */
  od }

init { atomic { own[0]=true; writable[0]=true; run Planner(); run Planner(); run Node(0); run Node(1) } }
#ifdef LTL
ltl never_both { [] !(writable[0] && writable[1]) }
#endif
#ifdef REACH
ltl noroll { [] !(ep>=2 && dec[1]==1 && dec[2]==1 && writable[0] && acked>=3) }
#endif

#ifdef LIVE
ltl live { <>[] (writable[0] || writable[1]) }
#endif
