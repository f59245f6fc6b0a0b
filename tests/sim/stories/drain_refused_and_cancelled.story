# Nobody waits for calls that nobody counts. A drain that was cancelled moves nothing, nor does one that a pause met.
cluster 2 1
run 3000
calls n1 unknown
run 1200
drain n2 n2 60000
operator n2 cancel
calls n1 1
run 1200
drain n2 n2 60000
run 2000
operator n2 cancel
calls n1 0
run 3000
expect-holder n1
calls n1 1
run 1200
drain n1 n2 60000
run 1000
operator n2 pause
calls n1 0
run 3000
expect-holder n1
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     1] w3 agent starts
[     1] w3 ! g1 gate shut
[    50] n1 agent starts
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   406] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   406] n1 ! g1 gate open
[   406] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   406] n1   g1 step announce
[   406] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   408] n1   g1 step wake-pbx
[   410] n1   g1 step verify
[   412] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   451] n2 > g1 R111 epoch 1.n2: fit, another node holds the group: stand by, ask when the voters are free
[   508] n1 > g1 R404 epoch 2.n1: epoch raised while holding, so that a voter can follow
[  3000] n1: calls unknown
[  4200] n2 operator: switchover --drain n2: refused, calls_unknown
[  4200] n2 operator: cancel: refused, no_operation
[  4200] n1: calls 1
[  5400] n2 operator: switchover --drain n2: accepted
[  5401] n1 > g1 R406 epoch 2.n1: an operator's move of the group begins
[  5401] n1 > g1 R212 epoch 2.n1: an operator moves the group when no call is up and its target is ready: keep until then
[  5401] n2 > g1 R406 epoch 1.n2: an operator's move of the group begins
[  7400] n2 operator: cancel: accepted
[  7400] n1: calls 0
[  7401] n1 > g1 R408 epoch 2.n1: an operator's move of the group failed (cancelled)
[  7401] n1 > g1 R120 epoch 2.n1: lease held and nothing wrong here: keep holding
[  7401] n2 > g1 R408 epoch 1.n2: an operator's move of the group failed (cancelled)
[  7401] n2 = record operation: failed, cancelled
[  7401] n2 = record command: done
[ 10400] n1: calls 1
[ 11600] n1 operator: switchover --drain n2: accepted
[ 11601] n1 > g1 R406 epoch 2.n1: an operator's move of the group begins
[ 11601] n1 > g1 R212 epoch 2.n1: an operator moves the group when no call is up and its target is ready: keep until then
[ 11601] n2 > g1 R406 epoch 1.n2: an operator's move of the group begins
[ 12600] n2 operator: pause: accepted
[ 12600] n1: calls 0
[ 12601] n1 > g1 R405 epoch 2.n1: an operator's command took effect
[ 12601] n1 > g1 R408 epoch 2.n1: an operator's move of the group failed (paused)
[ 12601] n1 = record operation: failed, paused
[ 12601] n1 > g1 R220 epoch 2.n1: paused: keep holding, nothing is automatic
[ 12601] n2 > g1 R405 epoch 1.n2: an operator's command took effect
[ 12601] n2 = record command: done
[ 12601] n2 > g1 R408 epoch 1.n2: an operator's move of the group failed (paused)
[ 12601] n2 > g1 R310 epoch 1.n2: paused: ask for nothing
