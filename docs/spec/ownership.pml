/*
 * Who owns a connection, and who may emit for it: one handoff from S to T, decided by a home that may be lost and replaced, with
 * every order of messages, repetition of every message, crashes of all three and leases that end at any time.
 * What it covers and what not: handoff.md, "The model".
 *
 * A message is a bit that stays set: it may be received late, more than once, or never. Messages to and from a home carry its
 * incarnation, as a channel never delivers what was said on an earlier one. Epochs: S owns in 0, T in 1, S again in 2.
 */
#ifndef HOMES
#define HOMES 2 /* incarnations of the home */
#endif
#ifndef CRASHES
#define CRASHES 2 /* of S and T */
#endif

mtype = { idle, serving, frozen, asked, tombstone, ready, committed, gone, dead, absent };

mtype s = serving, t = idle;
byte sEpoch = 0;
bool sLease = true, tLease = true;  /* may emit by the clock */
byte sHome = 0, tHome = 0;          /* the incarnation that each knows */
byte readyHome = 0;                 /* the one that T has known, on one channel, since it was READY */

bool up = true, serves = true;      /* the home */
byte home = 0;
byte owner = 1, epoch = 0;          /* its entry: 0 nobody, 1 S, 2 T */
bool sListed = true, tListed = true; /* since the home recovers */
bool sTaken = false, tTaken = false; /* a list that is not acknowledged */
byte sList = 0, tList = 0;          /* under way: 1 nothing or READY, 2 frozen, 3 + epoch active */

bool state, doneToS, doneToT, abortToT;
bool doneBack;                      /* S's answer to a T that is the home */
bool commit[HOMES], abort[HOMES], yesT[HOMES], yesS[HOMES], noT[HOMES], okS[HOMES], goneS[HOMES], goneT[HOMES];
bool endS[HOMES], endT[HOMES];       /* GONE, in answer to a list: one that is in a handoff waits for its end */

byte crashes = CRASHES;
bool mayBeLost;                     /* S or T was lost, or not heard for longer than its lease */
bool tEmitted;                      /* the client may have been told what S does not know */
bool heldForLost;                   /* T did not wait for S, which it could not hear */
bool isReset;                       /* this home has told the client that the connection is gone */

#ifdef NO_LEASE
#define S_EMITS (s == serving)
#define T_EMITS (t == serving)
#else
#define S_EMITS (s == serving && sLease)
#define T_EMITS (t == serving && tLease)
#endif
#ifdef ANY_WORD
#define WORD_COUNTS true
#else
#define WORD_COUNTS (tHome == readyHome)
#endif
#ifdef MOVE
#define HOME_MAY_BE_LOST (home > 0) /* the first one gives its role away */
#else
#define HOME_MAY_BE_LOST true
#endif
#if defined(MOVE) && defined(HOME_AT_S)
#define DECIDED_BY_S yesS[0]
#else
#define DECIDED_BY_S false
#endif
#ifdef MOVE_WAITS
#define MAY_MOVE (!DECIDED_BY_S || doneToS || t == dead)
#else
#define MAY_MOVE true
#endif
#define ACKNOWLEDGES serves
#if defined(HOME_AT_T) && !defined(EMIT_AT_ONCE)
#define DECIDED committed
#else
#define DECIDED serving
#endif
#ifdef HOME_AT_T
#define T_WRITTEN_OFF (t == dead)   /* a home does not write itself off */
#else
#define T_WRITTEN_OFF (t == dead || !tLease)
#endif
/* Awake without a lease: what was listed before, and may be acknowledged, does not say so. */
#define RELIST(x) if :: !x##Lease -> x##List = 0; x##Taken = false :: else fi
#define S_LISTS (s == serving -> 3 + sEpoch : (s == frozen || s == asked -> 2 : 1))
#define T_LISTS (t == serving -> 4 : 1)

inline check() {
    assert(!(S_EMITS && T_EMITS));                              /* one emitter */
    assert(!(isReset && (S_EMITS || T_EMITS)));                 /* what was reset is over */
    assert(mayBeLost || !(s == serving && sEpoch == 2 && t == serving)); /* one outcome */
#ifdef HOME_AT_T
    if :: T_EMITS -> tEmitted = true :: else fi;
    assert(heldForLost || !(S_EMITS && sEpoch == 2 && tEmitted)) /* nothing goes on that knows less than the client */
#endif
}

/*
 * What an owner lists: made when it is sent, taken later. A home that serves keeps its own entry; one that recovers takes the
 * highest epoch and tells the other that it is gone.
 */
inline take(list, who, listed, taken, isGone, otherIsGone) {
    if
    :: !serves && list == 2 && owner == 0 -> owner = who; epoch = 0
    :: !serves && list >= 3 && (owner == 0 || owner == who || list - 3 > epoch) ->
        otherIsGone = otherIsGone || (owner != 0 && owner != who);
        owner = who; epoch = list - 3
    :: !serves && list >= 3 && owner != 0 && owner != who && list - 3 <= epoch -> isGone = true
    :: serves && list >= 3 && owner != who -> isGone = true
    :: else
    fi;
    list = 0; listed = true; taken = true
}

active proctype Run() {
    do
    /* S hands off: freeze, STATE. */
    :: atomic { s == serving && sEpoch == 0 && !state -> s = frozen; state = true; check() }
    :: atomic { s == frozen -> s = asked; check() }
    :: atomic { s == asked && !abort[sHome] -> abort[sHome] = true }
#ifdef THAW_ALONE
    :: atomic { s == frozen -> s = serving; check() }
#endif
    :: atomic { t == idle && state -> t = ready; readyHome = tHome }
    :: atomic { t == ready && !commit[tHome] -> commit[tHome] = true }

    /* The home decides. */
    :: atomic { up && serves && commit[home] && !yesT[home] && !noT[home] && !goneT[home] ->
        if
        :: owner == 1 && epoch == 0 -> owner = 2; epoch = 1; yesT[home] = true; yesS[home] = true
        :: owner == 2 -> yesT[home] = true; yesS[home] = true
        :: owner == 0 -> goneT[home] = true
        :: else -> noT[home] = true
        fi }
    :: atomic { up && serves && abort[home] && !okS[home] && !yesS[home] && !goneS[home] ->
        if
        :: owner == 1 && epoch == 0 -> epoch = 2; okS[home] = true
        :: owner == 1 && epoch == 2 -> okS[home] = true
#ifdef GRANT_TWICE
        :: owner == 2 -> owner = 1; epoch = 2; okS[home] = true
#else
        :: owner == 2 -> yesS[home] = true
#endif
        :: owner == 0 -> goneS[home] = true
        fi }

    /* S and T hear of it; only from the home that they know. */
    :: atomic { t == ready && yesT[tHome] -> t = DECIDED; doneToS = true; RELIST(t); check() }
    /* T is the home: what it has decided it has told nobody. It emits when S knows, or is lost. */
    :: atomic { t == committed && doneBack -> t = serving; RELIST(t); check() }
    :: atomic { t == committed && (s == dead || !sLease) -> heldForLost = heldForLost || s != dead; t = serving; RELIST(t); check() }
    /* S's word counts while T has had no other home and no other channel to it since it was READY. */
    :: atomic { t == ready && doneToT && WORD_COUNTS -> t = serving; doneToS = true; RELIST(t); check() }
    :: atomic { t == ready && (noT[tHome] || goneT[tHome] || abortToT) -> t = gone;
        mayBeLost = mayBeLost || (doneToT && !DECIDED_BY_S) /* S's word came later than the next home */ }
    :: atomic { (s == frozen || s == asked) && yesS[sHome] -> s = tombstone;
#ifndef SILENT_SOURCE
        doneToT = true
#endif
        }
    :: atomic { (s == frozen || s == asked) && doneToS -> s = tombstone; doneBack = true }
#ifndef ANSWERS_ONCE
    /* Also long after its end, and when it has forgotten. */
    :: atomic { doneToS && !doneBack && (s == tombstone || s == gone) -> doneBack = true }
#endif
    :: atomic { s == asked && okS[sHome] -> s = serving; sEpoch = 2; abortToT = true; RELIST(s); check() }
    :: atomic { s == asked && goneS[sHome] -> s = gone; abortToT = true }
    :: atomic { s == serving && endS[sHome] -> s = gone }
    :: atomic { t == serving && endT[tHome] -> t = gone }

    /* Leases end at any time, and come back with a list that the home has taken. */
    :: atomic { crashes > 0 && s != dead && sLease -> sLease = false; sTaken = false; crashes-- }
    :: atomic { crashes > 0 && t != dead && tLease -> tLease = false; tTaken = false; crashes-- }
    :: atomic { up && s != dead && sList == 0 && !sTaken && sHome == home && (!sListed || !sLease) -> sList = S_LISTS }
    :: atomic { up && t != dead && tList == 0 && !tTaken && tHome == home && (!tListed || !tLease) -> tList = T_LISTS }
    :: atomic { up && sList > 0 && sHome == home -> take(sList, 1, sListed, sTaken, endS[home], endT[home]) }
    :: atomic { up && tList > 0 && tHome == home -> take(tList, 2, tListed, tTaken, endT[home], endS[home]) }
    /* Acknowledged, after all that is gone was told on the same channel. */
    :: atomic { up && ACKNOWLEDGES && sTaken && sHome == home -> sTaken = false; sLease = true;
        if :: endS[home] && s == serving -> s = gone :: else fi; check() }
    :: atomic { up && ACKNOWLEDGES && tTaken && tHome == home -> tTaken = false; tLease = true;
        if :: endT[home] && t == serving -> t = gone :: else fi; check() }

    /* Crashes. */
    :: atomic { crashes > 0 && s != dead && HOME_MAY_BE_LOST -> s = dead; sList = 0; sTaken = false; crashes--; mayBeLost = true }
    :: atomic { crashes > 0 && t != dead -> t = dead; tList = 0; tTaken = false; crashes--; mayBeLost = true }
    :: atomic { up && home < HOMES - 1 && HOME_MAY_BE_LOST -> up = false; serves = false; owner = 0; isReset = false;
#if defined(HOME_AT_S) && !defined(MOVE)
        s = dead; sList = 0; mayBeLost = true
#endif
#ifdef HOME_AT_T
        t = dead; tList = 0; mayBeLost = true
#endif
        }
#ifdef MOVE
    /* The role moves, with the directory; with MOVE_WAITS not before the target has heard what S has decided as its home. */
    :: atomic { home == 0 && up && serves && MAY_MOVE -> home = 1; sList = 0; tList = 0; sTaken = false; tTaken = false }
#endif
    :: atomic { !up -> up = true; home++; epoch = 0; sListed = false; tListed = false; sList = 0; tList = 0; sTaken = false; tTaken = false }
    :: atomic { up && sHome != home -> sHome = home }
    :: atomic { up && tHome != home -> tHome = home }
    :: atomic { !up && sLease -> sLease = false }
    :: atomic { !up && tLease -> tLease = false }

    /* The next home knows all, or nobody emits whom it does not know. */
#ifdef SERVE_AT_ONCE
    :: atomic { up && !serves -> serves = true }
#else
    :: atomic { up && !serves && (sListed || s == dead || !sLease) && (tListed || t == dead || !tLease) ->
        mayBeLost = mayBeLost || (!sListed && s != dead) || (!tListed && t != dead); serves = true }
#endif
    /*
     * It writes off whom it has lost, and answers the client's next segment. That takes four leases, in which the
     * channel has lost what was on it: an owner that comes back lists and asks anew.
     */
    :: atomic { up && serves && owner == 1 && (s == dead || !sLease) -> owner = 0; mayBeLost = true;
        sTaken = false; sList = 0; okS[home] = false; yesS[home] = false; abort[home] = false }
    :: atomic { up && serves && owner == 2 && T_WRITTEN_OFF -> owner = 0; mayBeLost = true;
        tTaken = false; tList = 0; yesT[home] = false; noT[home] = false; commit[home] = false; readyHome = HOMES }
    :: atomic { up && serves && owner == 0 && !isReset -> isReset = true; check() }

    /* Nothing more can happen: nobody waits for ever, and what nothing was lost of goes on. */
    :: else -> break
    od;
    assert(up && serves);
    assert(s != frozen && s != asked && t != ready && t != committed);
    assert(mayBeLost || S_EMITS || T_EMITS)
}
