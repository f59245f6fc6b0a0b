# The holder's PBX dies while its calls are waited for: an ordinary failover, which ends the operation.
cluster 3 0
run 3000
calls n1 2
run 1200
drain n1 n3 60000
run 2000
pbx n1 dead
run 3000
expect-holder n2
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     0] n3 corosync: quorate
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
[   403] n3 agent starts
[   403] n3 ! g1 gate shut
[   403] n3   g1 step announce-stop
[   403] n3 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   405] n3   g1 step destroy-sockets
[   405] n3 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   407] n3   g1 step muzzle-pbx
[   454] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   454] n1 ! g1 gate open
[   454] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   454] n1   g1 step announce
[   454] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   456] n1   g1 step wake-pbx
[   458] n1   g1 step verify
[   460] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   551] n2 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[   551] n3 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  3000] n1: calls 2
[  4200] n1 operator: switchover --drain n3: accepted
[  4201] n1 > g1 R406 epoch 1.n1: an operator's move of the group begins
[  4201] n1 > g1 R212 epoch 1.n1: an operator moves the group when no call is up and its target is ready: keep until then
[  4201] n2 > g1 R406 epoch 0.-: an operator's move of the group begins
[  4201] n3 > g1 R406 epoch 0.-: an operator's move of the group begins
[  6200] n1: the PBX is dead
[  6201] n1 > g1 R260 epoch 1.n1: the PBX is dead: hand over at once
[  6201] n1 ! g1 gate shut
[  6201] n1 > g1 R402 epoch 1.n1: gate shut, lease released (pbx_dead)
[  6201] n1 = record g1 let-go begins: cause pbx_dead, to n2, epoch 1.n1
[  6201] n1 > g1 R320 epoch 1.n1: not fit: do not ask (pbx_dead)
[  6201] n1   g1 step announce-stop
[  6203] n1   g1 step destroy-sockets
[  6204] n2 = record g1 takeover begins: cause release, from n1, epoch 2.n2
[  6204] n2 ! g1 gate open
[  6204] n2 > g1 R400 epoch 2.n2: lease won: the gate is open, announce, then wake
[  6204] n2   g1 step announce
[  6204] n2 > g1 R408 epoch 2.n2: an operator's move of the group failed (holder_changed)
[  6204] n2 > g1 R120 epoch 2.n2: lease held and nothing wrong here: keep holding
[  6205] n1   g1 step muzzle-pbx
[  6206] n2   g1 step wake-pbx
[  6207] n1 = record g1 let-go: cause pbx_dead, to n2, epoch 1.n1
[  6208] n2   g1 step verify
[  6210] n2 = record g1 takeover: cause release, from n1, epoch 2.n2
[  6251] n3 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[  6303] n1 > g1 R408 epoch 1.n1: an operator's move of the group failed (holder_changed)
[  6303] n1 = record operation: failed, holder_changed
[  6303] n3 > g1 R408 epoch 0.-: an operator's move of the group failed (holder_changed)
[  6303] n3 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
