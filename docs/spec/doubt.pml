/*
 * A source whose home has forgotten the handoff, while the target may have gone on, and have ended or given away what it got: S waits for
 * T's word before it asks the next home. The home is a third node and is lost and replaced; the channel between S and T delivers in
 * order, breaks and is made again; T may be started anew or stay away.
 * What it covers and what not: handoff.md, "The model".
 */
#ifndef HOMES
#define HOMES 2  /* incarnations of the home */
#endif
#ifndef BREAKS
#define BREAKS 2 /* of the channel between S and T */
#endif

mtype = { frozen, asked, thawed, tombstone, discarded };              /* S, which has sent STATE */
mtype = { waits, ready, refused, serving, over, forgot, off };        /* T; over: ended, or given away */
mtype = { STATE, QUESTION, READY, PREPARED, DONE, REFUSED, UNKNOWN }; /* between the two */

mtype s = frozen, t = waits;
bool doubt;
byte sHome = 0, tHome = 0;          /* the incarnation that each knows */
bool isLost;                        /* the channel broke since STATE, as S knows */
bool targetForgot;                  /* as S knows */

chan toT = [3] of { mtype };
chan toS = [3] of { mtype };
bool channel = true, noticed = true; /* by S, that it broke */
bool restarted;                     /* T was started anew, which S hears with the next channel */

bool up = true, serves = true;
byte home = 0;
byte owner = 1, epoch = 0;          /* 0 nobody, 1 S, 2 T */
bool sListed = true, tListed = true;
bool yes[HOMES], no[HOMES], yesS[HOMES], ok[HOMES], none[HOMES]; /* answers on their way, of each incarnation */

byte breaks = BREAKS;
bool crash = true;                  /* of T, once */
bool tEmitted;                      /* the client may have been told what S does not know */

inline check() { assert(!(s == thawed && tEmitted)) }
inline discard() { s = discarded; assert(!crash || tEmitted) } /* one that nothing was lost of goes on */
inline lose() {
    do :: toT?_ :: empty(toT) -> break od;
    do :: toS?_ :: empty(toS) -> break od
}

/* S hears of a home that has forgotten. */
inline forgets() {
    if
#ifndef NO_DOUBT
#ifdef IF_BROKEN
    :: (s == frozen || s == asked) && isLost && !doubt ->
#else
    :: (s == frozen || s == asked) && !doubt ->
#endif
        if
        :: targetForgot -> discard()
        :: else -> doubt = true; s = asked; if :: channel -> toT!QUESTION :: else fi
        fi
#endif
    :: else
    fi
}

active proctype Run() {
    toT!STATE;
    do
    /* The channel. */
    :: atomic { channel && breaks > 0 -> channel = false; noticed = false; breaks--; lose() }
    :: atomic { !channel && !noticed -> noticed = true; isLost = true }
    :: atomic { !channel && t != off ->
        channel = true; isLost = true; noticed = true; targetForgot = targetForgot || restarted;
        if
        :: s == frozen && restarted -> s = asked
        :: s == asked && doubt && restarted -> discard()
        :: else
        fi;
        if :: (s == frozen || s == asked) && !targetForgot -> toT!QUESTION :: else fi;
        if :: t == ready -> toS!READY :: else fi;
        restarted = false }

    /* T. */
    :: atomic { channel && len(toT) > 0 && len(toS) < 3 ->
        if
        :: toT?STATE -> if :: t == waits -> t = ready :: else fi
        :: toT?QUESTION ->
            if
            :: t == ready -> toS!READY
            :: t == waits -> toS!PREPARED
#ifndef FORGETS_DONE
            :: t == serving || t == over -> toS!DONE
#else
            :: t == serving -> toS!DONE
            :: t == over -> toS!UNKNOWN
#endif
            :: t == refused -> toS!REFUSED
            :: t == forgot -> toS!UNKNOWN
            fi
        fi }
    :: atomic { t == ready && yes[tHome] && len(toS) < 3 -> t = serving; tEmitted = true; if :: channel -> toS!DONE :: else fi; check() }
    :: atomic { t == ready && no[tHome] -> t = refused }
    :: atomic { t == serving -> t = over; if :: up && serves && owner == 2 -> owner = 0 :: else fi }
    :: atomic { crash && t != off && t != forgot -> crash = false; channel = false; noticed = false; lose();
        if :: t = forgot; restarted = true :: t = off fi;
        if :: up && serves && owner == 2 -> owner = 0 :: else fi }

    /* S. */
    :: atomic { s == frozen -> s = asked }
    :: atomic { channel && len(toS) > 0 ->
        if
        :: toS?READY -> isLost = false; doubt = false
        :: toS?REFUSED -> isLost = false; doubt = false; if :: s == frozen -> s = asked :: else fi
        :: toS?PREPARED ->
#ifdef ENDS_UNSENT
            if :: doubt -> discard() :: else fi;
#endif
            doubt = false; if :: s == frozen && len(toT) < 3 -> toT!STATE :: else fi
        :: toS?DONE -> if :: s == frozen || s == asked -> s = tombstone :: else fi
        :: toS?UNKNOWN -> if :: doubt -> discard(); assert(t == forgot || t == off) :: s == frozen -> s = asked :: else fi
        fi }
    :: atomic { (s == frozen || s == asked) && yesS[sHome] -> s = tombstone }
    :: atomic { s == asked && !doubt && ok[sHome] -> s = thawed; check() }
    :: atomic { s == asked && !doubt && none[sHome] -> discard() }
#ifndef NO_LIMIT
    :: atomic { s == asked && doubt && !channel && t == off -> discard() }
#endif

    /* The home decides. */
    :: atomic { up && serves && t == ready && tHome == home && !yes[home] && !no[home] ->
        if
        :: owner == 1 && epoch == 0 -> owner = 2; yes[home] = true; yesS[home] = true
        :: owner == 2 -> yes[home] = true
        :: else -> no[home] = true
        fi }
    :: atomic { up && serves && s == asked && !doubt && sHome == home && !ok[home] && !yesS[home] && !none[home] ->
        if
        :: owner == 1 -> epoch = 2; ok[home] = true
        :: owner == 2 -> yesS[home] = true
        :: else -> none[home] = true
        fi }

    /* It is lost; the next one, which is not heard of before what the last one and T have sent, knows what is listed to it. */
    :: atomic { up && home < HOMES - 1 -> up = false; serves = false; owner = 0; epoch = 0 }
    :: atomic { !up && len(toS) == 0 -> up = true; home++; sListed = false; tListed = false;
        yes[home - 1] = false; no[home - 1] = false; yesS[home - 1] = false; ok[home - 1] = false; none[home - 1] = false }
    :: atomic { up && sHome != home -> sHome = home; forgets() }
    :: atomic { up && tHome != home && t != off -> tHome = home }
    :: atomic { up && !serves && sHome == home && !sListed -> sListed = true;
        if :: (s == frozen || s == asked) && owner == 0 -> owner = 1 :: else fi }
    :: atomic { up && !serves && (tHome == home || t == off) && !tListed -> tListed = true;
        if :: t == serving -> owner = 2; epoch = 1 :: else fi }
    :: atomic { up && !serves && sListed && tListed -> serves = true }
    :: else -> break
    od;
    assert(s != frozen && s != asked && t != ready)
}
