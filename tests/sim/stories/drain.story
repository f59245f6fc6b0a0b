# A switchover that waits for the calls: a gap between two calls is none, then it moves as any other.
cluster 2 1
run 3000
calls n1 2
run 1000
drain n1 n2 60000
run 3000
calls n1 0
run 500
calls n1 1
run 3000
expect-holder n1
calls n1 0
run 3000
expect-holder n2
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
[  3000] n1: calls 2
[  4000] n1 operator: switchover --drain n2: accepted
[  4001] n1 > g1 R406 epoch 2.n1: an operator's move of the group begins
[  4001] n1 > g1 R212 epoch 2.n1: an operator moves the group when no call is up and its target is ready: keep until then
[  4001] n2 > g1 R406 epoch 1.n2: an operator's move of the group begins
[  7000] n1: calls 0
[  7500] n1: calls 1
[ 10500] n1: calls 0
[ 12501] n1 > g1 R210 epoch 2.n1: an operator moves the group and its target is ready: hand over
[ 12501] n1 ! g1 gate shut
[ 12501] n1 > g1 R402 epoch 2.n1: gate shut, lease released (operator)
[ 12501] n1 = record g1 let-go begins: cause operator, to n2, epoch 2.n1
[ 12501] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[ 12501] n1   g1 step announce-stop
[ 12502] n2 > g1 R130 epoch 3.n2: an operator moves the group here: ask as soon as the voters are free
[ 12503] n1   g1 step destroy-sockets
[ 12504] n2 = record g1 takeover begins: cause operator, from n1, epoch 3.n2
[ 12504] n2 ! g1 gate open
[ 12504] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[ 12504] n2   g1 step announce
[ 12504] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[ 12505] n1   g1 step muzzle-pbx
[ 12506] n2   g1 step wake-pbx
[ 12507] n1 = record g1 let-go: cause operator, to n2, epoch 2.n1
[ 12508] n2   g1 step verify
[ 12510] n2 = record g1 takeover: cause operator, from n1, epoch 3.n2
[ 12510] n2 > g1 R407 epoch 3.n2: an operator's move of the group is done
[ 12603] n1 > g1 R407 epoch 2.n1: an operator's move of the group is done
[ 12603] n1 = record operation: done
[ 12603] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
